"""How the page shows each instrument's evidence: its words, its template and its drawings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hydrometer.plots import attribution, demand, identity, serving, similarity, training_cost
from hydrometer.plots.svg import Pictures
from hydrometer.records.evidence import Details


@dataclass(frozen=True)
class Section:
    """One instrument on the page.

    Attributes:
        title: the instrument, for people.
        template: what stands under its evidence. It is given `items`, the instrument's evidence on one question, and
            `pictures` by evidence and name.
        pictures: draws the details of its evidence.
    """

    title: str
    template: str
    pictures: Callable[[Details], Pictures]


# By instrument, in the order in which a reader meets them under one question.
SECTIONS: Mapping[str, Section] = {
    "training_cost": Section("training cost", "training_cost.html.j2", training_cost.pictures),
    "attribution": Section("attribution", "attribution.html.j2", attribution.pictures),
    "demand": Section("compute demand", "demand.html.j2", demand.pictures),
    "serving": Section("serving", "serving.html.j2", serving.pictures),
    "identity": Section("identity consistency", "identity.html.j2", identity.pictures),
    "similarity": Section("response similarity", "similarity.html.j2", similarity.pictures),
}
