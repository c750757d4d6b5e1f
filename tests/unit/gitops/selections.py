"""Selections of a few components that tests make up."""

from collections.abc import Mapping
from typing import Any

from tests.unit.gitops.platforms import platform

from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.facts import Facts, Words, words
from terp.gitops.selection import Selection, select
from terp.gitops.wiring import lists

FACTS = Facts(environment="test", domain="ml.example.org", replicas=3)


def component(**keys: Any) -> Component:
    """One with these keys beside the ones that must be given."""
    return Component.model_validate(
        {
            "description": "It.",
            "source": {"kind": "own"},
            "licence": "Apache-2.0",
            "layer": "data",
            "namespace": "app",
            "profiles": ["small", "ha"],
            **keys,
        }
    )


def catalogue(**components: Component) -> Catalogue:
    """Names are written with _ for -."""
    return Catalogue.model_construct(
        components={name.replace("_", "-"): each for name, each in components.items()}, upstreams={}
    )


def selection(providers: Mapping[str, str] | None = None, /, **components: Component) -> Selection:
    """All of these, with these providers."""
    return select(catalogue(**components), platform(providers=providers or {}))


def known(selected: Selection) -> Words:
    """What values may ask for."""
    made = Catalogue.model_construct(components=dict(selected.components), upstreams={})
    return words(FACTS, lists(selected, FACTS), made, selected.providers)
