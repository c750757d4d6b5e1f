"""What the components are told of the environment: one typed object, from which their values are made."""

import re
from collections.abc import Mapping

from pydantic import Field, JsonValue

from terp.environment.platform import Platform
from terp.gitops.catalogue import Catalogue
from terp.model import Model
from terp.tenancy.tenants import Tenant


class Facts(Model):
    """The environment as the platform sees it."""

    environment: str = Field(title="Environment", description="Name of the stack.", examples=["production"])
    domain: str = Field(
        title="Domain", description="Below it lie the platform's names.", examples=["ml.example.org"]
    )
    replicas: int = Field(
        title="Replicas", description="Of what must not fail: one, or three in the profile ha.", examples=[3]
    )
    proxy: str = Field(
        "",
        title="Proxy",
        description="Forward proxy to the internet, if there is one.",
        examples=["http://proxy.example.org:3128"],
    )


class Place(Model):
    """A value in Vault: a key of the secret at a path of the mount `secret`."""

    path: str = Field(title="Path", description="In the mount.", examples=["platform/harbor/harbor-oidc"])
    key: str = Field(title="Key", description="In the secret.", examples=["client-secret"])


class ClientFact(Model):
    """A client that the identity provider has."""

    name: str = Field(title="Name", description="Its client id.", examples=["harbor"])
    redirects: tuple[str, ...] = Field(
        title="Redirects",
        description="Addresses that people may be sent back to.",
        examples=[["https://harbor.ml.example.org/c/oidc/callback"]],
    )
    vault: Place | None = Field(None, title="Vault", description="Its secret; none of a public client.")


class BucketKeys(Model):
    """The keys of a bucket's one user, in one secret in Vault."""

    path: str = Field(title="Path", description="In the mount.", examples=["platform/harbor/harbor-s3"])
    access_key: str = Field(title="Access key", description="Key of the first.", examples=["ACCESS_KEY_ID"])
    secret_key: str = Field(
        title="Secret key", description="Key of the second.", examples=["SECRET_ACCESS_KEY"]
    )


class BucketFact(Model):
    """A bucket that the object storage has."""

    name: str = Field(title="Name", description="Of the bucket.", examples=["harbor"])
    vault: BucketKeys = Field(title="Vault", description="The keys of its user.")


class GeneratedFact(Model):
    """A secret in Vault with keys that are made at random, once."""

    path: str = Field(title="Path", description="In the mount.", examples=["platform/harbor/harbor-core"])
    keys: tuple[str, ...] = Field(title="Keys", description="What is made.", examples=[["secret"]])


class Lists(Model):
    """What all components of an environment declare together."""

    clients: tuple[ClientFact, ...] = Field((), title="Clients", description="Of the identity provider.")
    buckets: tuple[BucketFact, ...] = Field((), title="Buckets", description="Of the object storage.")
    generated: tuple[GeneratedFact, ...] = Field((), title="Generated", description="Secrets.")
    hosts: tuple[str, ...] = Field(
        (),
        title="Hosts",
        description="Names that the gateway leads to a service.",
        examples=[["harbor.ml.example.org"]],
    )
    projects: tuple[Tenant, ...] = Field((), title="Projects", description="What people work in.")


FACTS = frozenset(Facts.model_fields)
"""The words that a component's values may ask for, beside capabilities."""
LISTS = frozenset(Lists.model_fields)
"""Words that stand for a list, so that they stand alone."""
Words = Mapping[str, JsonValue]
WORD = re.compile(r"(?<![{$])\{([A-Za-z][A-Za-z0-9_-]*)\}(?!\})")
"""A word in braces. Scripts (`${NAME}`), templates (`{{ name }}`) and YAML (`{}`) have braces, too."""


def facts_of(stack: str, platform: Platform) -> Facts:
    """The facts of an environment."""
    return Facts(
        environment=stack,
        domain=platform.domain,
        replicas=3 if platform.profile == "ha" else 1,
        proxy=platform.proxy or "",
    )


def words(facts: Facts, lists: Lists, catalogue: Catalogue, providers: Mapping[str, str]) -> Words:
    """All that values may ask for: facts, lists, and by capability the address of who provides it."""
    known: Words = facts.model_dump()
    addresses = {
        capability: fill(catalogue.components[name].provides[capability], known)
        if name in catalogue.components
        else name  # the address of something outside
        for capability, name in providers.items()
    }
    return {**known, **lists.model_dump(mode="json", exclude_none=True), **addresses}


def fill(text: str, known: Words) -> JsonValue:
    """The text with the words in braces replaced; a word alone keeps its type."""
    alone = WORD.fullmatch(text)
    return known[alone[1]] if alone else filled(text, known)


def filled(text: str, known: Words) -> str:
    """The same, where only text can stand."""
    return WORD.sub(lambda found: str(known[found[1]]), text)


def placeholders(text: str) -> list[str]:
    """`["domain"]` of `https://harbor.{domain}`."""
    return WORD.findall(text)
