"""The page of all components, `docs/components.md`, from what they declare."""

from collections.abc import Iterator
from typing import get_args

from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component, Layer, SecretKey
from terp.gitops.projects import DESCRIPTIONS

BEGINNING = """\
# Components

Every component of the [platform](gitops.md), as its `component.yaml` declares it. This page is made from the
declarations (`scripts/test unit tests/unit/gitops --update-golden`). "Seen" says how far a component was seen
at its version: *rendered* from the real chart with our values, or *run* in a cluster. What is not known has
no line.
"""
SEEN_NOT = "not yet"


def components_page(catalogue: Catalogue) -> str:
    """All of it, by layers."""
    return "\n".join([BEGINNING, *(line for layer in get_args(Layer) for line in _layer(layer, catalogue))])


def _layer(layer: str, catalogue: Catalogue) -> Iterator[str]:
    yield f"## {layer}\n\n{DESCRIPTIONS[layer]}\n"
    for name, component in catalogue.components.items():
        if component.layer == layer:
            yield from _component(name, component, catalogue)


def _component(name: str, component: Component, catalogue: Catalogue) -> Iterator[str]:
    yield f"### {name}\n\n{component.description}\n"
    yield "| | |\n|---|---|"
    for what, said in _rows(name, component, catalogue):
        if said:
            yield f"| {what} | {said.replace('|', chr(92) + '|')} |"
    yield ""


def _rows(name: str, component: Component, catalogue: Catalogue) -> Iterator[tuple[str, str | None]]:
    yield "Version", catalogue.version(name)
    yield "Licence", component.licence
    yield "Status", component.status
    yield "Warning", component.warning
    yield "Seen", component.seen or SEEN_NOT
    yield "Profiles", ", ".join(component.profiles) or "by a switch, or when others need it"
    yield "Namespace", _code(component.namespace)
    yield "Needs", ", ".join(component.needs)
    yield "Uses", ", ".join(component.uses)
    yield "Provides", ", ".join(f"{each}: {_code(told)}" for each, told in component.provides.items())
    yield "Names", _lines(f"https://{each.host}.&lt;domain&gt;" for each in component.routes)
    yield "Secrets", _lines(_secrets(component))
    yield "Flows", _lines(_flows(component))
    yield "Databases", _lines(f"{_code(each.name)}, {each.size}" for each in component.databases)
    yield "Buckets", ", ".join(_code(each.name) for each in component.buckets)
    yield "Clients", ", ".join(_code(each.name) for each in component.clients)
    yield "Requests", _requests(component)
    yield "Volumes", _lines(f"{each.size}: {each.description}" for each in component.storage)
    yield "Availability", component.availability
    yield "Backup", component.backup
    yield "Upgrade", component.upgrade
    yield "Removal", component.removal


def _secrets(component: Component) -> Iterator[str]:
    for each in component.secrets:
        yield f"{_code(each.name)}: {each.description} ({', '.join(map(_key, each.keys))})"


def _key(key: SecretKey) -> str:
    match key.origin:
        case "copied":
            return f"{_code(key.name)} copied from {_code(key.copy_of or '')}"
        case "given":
            return f"{_code(key.name)} given: {key.description}"
        case _:
            return _code(key.name)


def _flows(component: Component) -> Iterator[str]:
    for each in component.flows:
        why = f": {each.why}" if each.why else ""
        yield f"to {each.to}, {', '.join(map(str, each.ports))}{why}"
    inward = (
        ("metrics", component.metrics),
        ("webhooks", component.webhook_ports),
        ("from people's namespaces", component.tenant_ports),
        ("from anywhere", component.public_ports),
    )
    for what, ports in inward:
        if ports:
            yield f"{what}, {', '.join(map(str, ports))}"


def _requests(component: Component) -> str | None:
    found = component.footprint
    return f"{found.cpu} CPU, {found.memory}" if found else None


def _lines(said: Iterator[str]) -> str:
    return "<br>".join(said)


def _code(text: str) -> str:
    return f"`{text}`"
