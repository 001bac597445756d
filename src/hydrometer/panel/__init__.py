"""Panels: reference populations of models with documented lineage."""

from hydrometer.panel.folder import Panel, open_panel

__all__ = ["Panel", "open_panel"]
