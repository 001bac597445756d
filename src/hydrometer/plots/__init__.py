"""One figure function per instrument: a stored record in, an SVG that follows the page's colours out."""
