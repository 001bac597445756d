"""Response files: what models answered, read by content whatever the file is called."""

from hydrometer.store.responses.common import ResponseSet, prompt_key
from hydrometer.store.responses.read import read_responses

__all__ = ["ResponseSet", "prompt_key", "read_responses"]
