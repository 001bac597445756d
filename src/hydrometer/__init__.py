"""Hydrometer: measures what went into a language model, with an error rate beside every answer."""

__version__ = "0.1.0"
