"""What the components are told of the environment: one typed object, from which their values are made."""

import string
from collections.abc import Mapping

from pydantic import Field

from terp.environment.platform import Platform
from terp.gitops.catalogue import Catalogue
from terp.model import Model


class Facts(Model):
    """The environment as the platform sees it."""

    environment: str = Field(title="Environment", description="Name of the stack.", examples=["production"])
    domain: str = Field(
        title="Domain", description="Below it lie the platform's names.", examples=["ml.example.org"]
    )
    replicas: int = Field(
        title="Replicas", description="Of what must not fail: one, or three in the profile ha.", examples=[3]
    )


FACTS = frozenset(Facts.model_fields)
"""The words that a component's values may ask for, beside capabilities."""
Words = Mapping[str, str | int]


def facts_of(stack: str, platform: Platform) -> Facts:
    """The facts of an environment."""
    return Facts(environment=stack, domain=platform.domain, replicas=3 if platform.profile == "ha" else 1)


def words(facts: Facts, catalogue: Catalogue, providers: Mapping[str, str]) -> Words:
    """All that values may ask for: facts, and by capability the address of who provides it."""
    known: Words = facts.model_dump()
    addresses = {
        capability: fill(catalogue.components[name].provides[capability], known)
        if name in catalogue.components
        else name  # the address of something outside
        for capability, name in providers.items()
    }
    return {**known, **addresses}


def fill(text: str, known: Words) -> str | int:
    """The text with the words in braces replaced; a word alone keeps its type."""
    whole = text.removeprefix("{").removesuffix("}")
    return known[whole] if text == f"{{{whole}}}" else text.format_map(known)


def placeholders(text: str) -> list[str]:
    """`["domain"]` of `https://harbor.{domain}`."""
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
