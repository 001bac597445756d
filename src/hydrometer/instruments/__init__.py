"""The measuring procedures. Each judges stored numbers, answers or weights; none touches the network."""
