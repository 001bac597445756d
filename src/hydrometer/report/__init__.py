"""A stored audit as a page, as terminal text and as JSON. Nothing is recomputed here."""

from hydrometer.report.page import render_html
from hydrometer.report.terminal import print_checks, print_summary

__all__ = ["print_checks", "print_summary", "render_html"]
