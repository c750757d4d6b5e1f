"""Components held against each other: needs that there are, one owner of each thing, words that are known."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set

from terp.environment.findings import Key, did_you_mean, nearest
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Chart, Component, Manifests, Own
from terp.gitops.facts import FACTS, LISTS, placeholders
from terp.gitops.flows import PLACES
from terp.gitops.names import GATEWAY, STORE
from terp.gitops.versions import ChartRepository, GitRepository, ImageRepository
from terp.model import Model

FORMS: Mapping[type[Model], type[Model]] = {
    Chart: ChartRepository,
    Manifests: GitRepository,
    Own: ImageRepository,
}
"""What the upstream of each kind of source is."""
NEEDED_FOR = {
    "secrets": (STORE,),
    "clients": ("oidc",),
    "buckets": ("s3",),
    "certificates": ("cert-manager",),
    "databases": ("postgres", STORE),  # the keys of their backups are in a Secret
    "routes": (GATEWAY,),
}
"""What makes of a declaration what it says."""
REDIRECT = re.compile(r"https://(?P<host>[a-z0-9.-]+)\.\{domain\}(/.*)?|http://localhost(:\d+)?(/.*)?")
"""Below the platform's domain, or at a program on a person's own machine (RFC 8252, 7.3)."""
Found = tuple[Key, str, str]
"""Where, what, and what would be right."""


def contradictions(catalogue: Catalogue, folders: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
    """What contradicts what, by component; `folders` says in which of the two each lies."""
    for name, component in catalogue.components.items():
        for found in (
            *_sources(component, catalogue, folders[name]),
            *_needs(name, component, catalogue),
            *_uses(component, catalogue),
            *_needed_for(name, component, catalogue),
            *_flows(component, catalogue),
            *_secrets(name, component, catalogue),
            *_keys(component),
            *_clients(component, catalogue),
            *_owners(name, component, catalogue),
            *_names(component, catalogue),
            *_copies(component, catalogue),
            *_placeholders(component, catalogue),
            *_kinds(name, component, catalogue),
        ):
            yield name, found


def _sources(component: Component, catalogue: Catalogue, folder: str) -> Iterator[Found]:
    source = component.source
    right = "kustomize" if isinstance(source, Manifests) else "charts"
    if folder != right:
        yield ("source", "kind"), f"{source.kind} belongs in {right}/", f"move the folder to {right}/"
    known = [name for name, each in catalogue.upstreams.items() if isinstance(each, FORMS[type(source)])]
    if source.upstream and source.upstream not in known:
        said = did_you_mean(source.upstream, known)
        yield (
            ("source", "upstream"),
            f'"{source.upstream}" is not in charts/versions.yaml as {source.kind}',
            said,
        )


def _needs(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    known = catalogue.components.keys() | catalogue.capabilities.keys()
    for place, need in enumerate(component.needs):
        if need not in known:
            message = f'unknown need "{need}": neither a component nor a capability'
            yield ("needs", place), message, did_you_mean(need, known)
        elif need == name or need in component.provides:
            yield ("needs", place), f'"{name}" would need itself', "leave it out"


def _uses(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    for place, used in enumerate(component.uses):
        if used not in catalogue.components:
            said = did_you_mean(used, catalogue.components)
            yield ("uses", place), f'there is no component "{used}"', said


def _needed_for(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """Needed by its name, or by that of one who provides it; or it is the component itself."""
    there = {name, *component.needs, *component.provides}
    for field, needs in NEEDED_FOR.items():
        for need in needs if getattr(component, field) else ():
            if there.isdisjoint((need, *catalogue.capabilities.get(need, ()))):
                yield (field,), f"{field} need {need}", f"needs: [{need}]"


def _flows(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    known = catalogue.components.keys() | catalogue.capabilities.keys() | PLACES
    for place, flow in enumerate(component.flows):
        if flow.to not in known:
            message = f'a flow to "{flow.to}", which is neither a component, a capability nor a place'
            yield ("flows", place, "to"), message, did_you_mean(flow.to, known)


def _secrets(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    others = {
        secret.name: other
        for other, each in catalogue.components.items()
        if other != name and each.namespace == component.namespace
        for secret in each.secrets
    }
    for place, secret in enumerate(component.secrets):
        if secret.name in others:
            message = f"Secret {component.namespace}/{secret.name} is also declared by {others[secret.name]}"
            yield ("secrets", place), message, "keep one"
        for number, key in enumerate(secret.keys):
            if key.origin == "given" and not key.description:
                where = ("secrets", place, "keys", number)
                yield where, "who gives it is not told what it is", "description: ..."


def _keys(component: Component) -> Iterator[Found]:
    """Clients and buckets have their secrets where the component reads them."""
    known = [f"{secret.name}/{key.name}" for secret in component.secrets for key in secret.keys]
    said: list[tuple[Key, str | None]] = [
        (("clients", place, "secret"), each.secret) for place, each in enumerate(component.clients)
    ]
    for place, each in enumerate(component.buckets):
        said.append((("buckets", place, "access_key"), f"{each.secret}/{each.access_key}"))
        said.append((("buckets", place, "secret_key"), f"{each.secret}/{each.secret_key}"))
    for where, key in said:
        if key and key not in known:
            yield where, f'its secrets have no key "{key}"', did_you_mean(key, known)


def _clients(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    hosts = {route.host for each in catalogue.components.values() for route in each.routes}
    for place, client in enumerate(component.clients):
        for number, redirect in enumerate(client.redirects):
            where = ("clients", place, "redirects", number)
            found = REDIRECT.fullmatch(redirect)
            if not found:
                message = "people are sent back below https://<host>.{domain}, or to http://localhost"
                yield where, message, ""
            elif found["host"] and found["host"] not in hosts:
                message = f'no route leads to "{found["host"]}"'
                yield where, message, did_you_mean(found["host"], hosts)


def _owners(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """Hosts, clients and buckets are one each in the whole platform."""
    others = [each for other, each in catalogue.components.items() if other != name]
    yield from _again("routes", "host", component, others)
    yield from _again("clients", "name", component, others)
    yield from _again("buckets", "name", component, others)


def _again(field: str, key: str, component: Component, others: Iterable[Component]) -> Iterator[Found]:
    taken = {getattr(each, key) for other in others for each in getattr(other, field)}
    for place, each in enumerate(getattr(component, field)):
        if getattr(each, key) in taken:
            yield (field, place, key), f'"{getattr(each, key)}" is also another\'s', "another name"


def _names(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    for capability in sorted(component.provides.keys() & catalogue.components.keys()):
        yield ("provides", capability), f'"{capability}" is the name of a component', "another name"


def _copies(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    known = {
        f"{name}/{secret.name}/{key.name}": key
        for name, other in catalogue.components.items()
        for secret in other.secrets
        for key in secret.keys
    }
    for place, secret in enumerate(component.secrets):
        for number, key in enumerate(secret.keys):
            where = ("secrets", place, "keys", number, "copy_of")
            if key.copy_of and key.copy_of not in known:
                near = nearest(key.copy_of, known)
                said = f'did you mean "{near}"?' if near else ""
                yield where, f'there is no secret "{key.copy_of}"', said
            elif key.copy_of and (original := known[key.copy_of].copy_of):
                yield where, f'"{key.copy_of}" is a copy itself', original


def _placeholders(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """An address tells of the environment; values and patches also of the capabilities that are needed."""
    image = {"image"} if isinstance(component.source, Own) and component.source.upstream else set()
    capabilities = catalogue.capabilities.keys()
    patches = component.source.patches if isinstance(component.source, Manifests) else ()
    told: tuple[tuple[Key, str, Set[str]], ...] = (
        *(
            (("values", key), text, FACTS | LISTS | capabilities | image)
            for key, text in component.values.items()
        ),
        *((("provides", key), text, FACTS) for key, text in component.provides.items()),
        *(
            (("source", "patches", place, "patch"), each.patch, FACTS | capabilities)
            for place, each in enumerate(patches)
        ),
    )
    for where, text, known in told:
        for word in placeholders(text):
            if word not in known:
                yield where, f"unknown {{{word}}}", did_you_mean(word, known)
            elif word in capabilities and word not in component.needs:
                yield where, f"{{{word}}} is told to those that need it", f"needs: [{word}]"
            elif word in LISTS and text != f"{{{word}}}":
                yield where, f"{{{word}}} is a list, and stands alone", f'"{{{word}}}"'


def _kinds(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """A CRD belongs to one component: two would take it from each other for ever."""
    for place, crd in enumerate(component.crds):
        for other, each in catalogue.components.items():
            if other != name and crd.name in {its.name for its in each.crds}:
                yield ("crds", place), f"{crd.name} is also brought by {other}", "keep one"
