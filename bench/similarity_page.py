"""Writes docs/benchmarks/similarity.md."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

def write_page(out, **kwargs):
    import json
    print(json.dumps(kwargs["rows"], indent=None)[:200])
