"""Writes docs/benchmarks/similarity.md."""

from __future__ import annotations


def write_page(out, **kwargs):
    import json

    print(json.dumps(kwargs["rows"], indent=None)[:200])
