"""A stored audit as a page, as terminal text and as JSON. Nothing is recomputed here."""
