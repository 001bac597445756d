"""Checking claims: the equations that published figures must satisfy, and the ladder from headline to whole."""
