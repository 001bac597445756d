"""Trains small models of known lineage, so that the instruments can be checked against the truth. Needs torch."""
