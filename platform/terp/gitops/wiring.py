"""What the components of an environment declare together: clients, buckets, secrets to be made, names."""

from collections.abc import Iterator

from terp.gitops.component import Component, SecretKey
from terp.gitops.facts import (
    BucketFact,
    BucketKeys,
    ClientFact,
    Facts,
    GeneratedFact,
    Lists,
    Place,
    fill,
)
from terp.gitops.selection import Selection
from terp.tenancy.tenants import Tenant, tenants


def lists(selection: Selection, facts: Facts) -> Lists:
    """By component in the order of the alphabet, and as each declares them."""
    components, projects = selection.components, tenants(selection.projects)
    return Lists(
        clients=tuple(found for name, each in components.items() for found in _clients(name, each, facts)),
        buckets=(
            *(found for name, each in components.items() for found in _buckets(name, each)),
            *map(_bucket_of, projects),
        ),
        generated=(
            *(found for name, each in components.items() for found in _generated(name, each)),
            *(found for each in projects for found in _generated_for(each)),
        ),
        hosts=tuple(host(route.host, facts) for each in components.values() for route in each.routes),
        projects=projects,
    )


def host(name: str, facts: Facts) -> str:
    """`harbor.ml.example.org`."""
    return f"{name}.{facts.domain}"


def place(component: str, secret: str, key: SecretKey) -> Place:
    """Where a key is in Vault: a copy where its original is."""
    if key.copy_of:
        component, secret, original = key.copy_of.split("/")
        return Place(path=_path(component, secret), key=original)
    return Place(path=_path(component, secret), key=key.name)


def _path(component: str, secret: str) -> str:
    return f"platform/{component}/{secret}"


def _place_of(name: str, component: Component, secret: str, key: str) -> Place:
    """Where a key is that another declaration of the component names."""
    return next(
        place(name, secret, found)
        for each in component.secrets
        for found in each.keys
        if (each.name, found.name) == (secret, key)
    )


def _clients(name: str, component: Component, facts: Facts) -> Iterator[ClientFact]:
    for client in component.clients:
        secret, _, key = (client.secret or "").partition("/")
        yield ClientFact(
            name=client.name,
            redirects=tuple(str(fill(each, facts.model_dump())) for each in client.redirects),
            vault=_place_of(name, component, secret, key) if secret else None,
        )


def _buckets(name: str, component: Component) -> Iterator[BucketFact]:
    for bucket in component.buckets:
        access = _place_of(name, component, bucket.secret, bucket.access_key)
        secret = _place_of(name, component, bucket.secret, bucket.secret_key)
        keys = BucketKeys(path=access.path, access_key=access.key, secret_key=secret.key)
        yield BucketFact(name=bucket.name, vault=keys)


def _generated(name: str, component: Component) -> Iterator[GeneratedFact]:
    for secret in component.secrets:
        if keys := tuple(key.name for key in secret.keys if key.origin == "generated"):
            yield GeneratedFact(path=_path(name, secret.name), keys=keys)


def _bucket_of(tenant: Tenant) -> BucketFact:
    return BucketFact(name=tenant.bucket, vault=BucketKeys(**tenant.keys.model_dump()))


def _generated_for(tenant: Tenant) -> Iterator[GeneratedFact]:
    yield GeneratedFact(path=tenant.keys.path, keys=(tenant.keys.access_key, tenant.keys.secret_key))
    if tenant.registry:
        yield GeneratedFact(path=tenant.registry, keys=("password",))
