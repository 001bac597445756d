"""Instruments: measuring procedures, one package each."""
