"""Instruments judged on models whose lineage is known: what they say beside the truth."""
