"""Identity: what a model says of itself, how often, and whose it says it is."""
