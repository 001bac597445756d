"""Hugging Face's `config.json` as an architecture whose weights can be counted; nothing in it is executed."""

from hydrometer.store.configs.read import KNOWN_FAMILIES, read_config

__all__ = ["KNOWN_FAMILIES", "read_config"]
