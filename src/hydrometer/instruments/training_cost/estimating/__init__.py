"""Estimating: what a training takes where nothing, or little, was published."""
