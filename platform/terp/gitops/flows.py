"""Who connects to whom in an environment, and what network policies of both ends let through.

A policy is about a whole namespace: which of its pods a component owns, no declaration says. Components that
share one share what they may.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from terp.gitops.argo import ArgoModel
from terp.gitops.component import Component, Flow
from terp.gitops.facts import Facts, Words
from terp.gitops.names import AMBIENT, BACKUPS, GATEWAY, METRICS
from terp.gitops.selection import Selection

KUBERNETES, OUTSIDE, TENANTS = "kubernetes", "outside", "tenants"
PLACES = frozenset({KUBERNETES, OUTSIDE, TENANTS})
"""Where flows lead, beside components and capabilities."""
POSTGRES, S3 = "postgres", "s3"
API_SERVER = Flow(to=KUBERNETES, ports=(6443,))
STATUS_PORT = 8000
"""Of an instance of PostgreSQL, asked by the operator (CloudNativePG 1.30)."""
METRICS_PORT = 9187
"""Of an instance of PostgreSQL (CloudNativePG 1.30)."""
HBONE = 15008
"""Port of every pod in an ambient mesh, whatever it is asked for (Istio 1.30)."""
HTTPS = 443
NAME_OF_NAMESPACE = "kubernetes.io/metadata.name"
TENANT = ("app.kubernetes.io/part-of", "kubeflow-profile")
"""Label of people's namespaces (Kubeflow's profiles, namespace-labels.yaml)."""
ANYWHERE = "0.0.0.0/0"
METADATA = "169.254.169.254/32"
"""Where OpenStack tells a server of itself, also what cloud-init was given."""
OF_TENANTS = (443, 80)
"""Whatever people's pods fetch from outside: packages, data, models; and the platform's own names."""


class Rule(ArgoModel):
    """Connections that are let through: with whom, or with everyone; at which ports, or at all."""

    namespaces: dict[str, str] | None = None
    address: str | None = None
    without: tuple[str, ...] | None = None
    """Addresses in it that are not meant."""
    ports: tuple[int, ...] | None = None


class PodsRule(ArgoModel):
    """What some pods of a namespace take."""

    labels: dict[str, str]
    rule: Rule


class Policy(ArgoModel):
    """What a namespace takes and begins, beside DNS and what stays within it; and some of its pods."""

    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]
    pods: tuple[PodsRule, ...] | None = None


class Connection(NamedTuple):
    """Between two components; through all ports if none are named."""

    source: str
    target: str
    ports: tuple[int, ...] | None


def connections(selection: Selection, known: Words, facts: Facts) -> tuple[Connection, ...]:
    """All between components: declared, to metrics, to the status of databases, through the gateway."""
    found = (
        *(each for name in selection.components for each in _declared(name, selection, known, facts)),
        *_observed(selection),
        *_operated(selection),
        *_routed(selection),
    )
    there = selection.components
    return tuple(
        each
        for each in found
        if each.source in there
        and each.target in there
        and there[each.source].namespace != there[each.target].namespace
    )


def policy(
    name: str, selection: Selection, all_connections: Iterable[Connection], known: Words, facts: Facts
) -> Policy:
    """What follows for one component."""
    components, component = selection.components, selection.components[name]
    mesh = (HBONE,) if AMBIENT in components else ()
    ingress, egress = [*_from_outside(component)], [*_to_outside(component, selection, known, facts)]
    for each in all_connections:
        if each.target == name:
            ingress.append(_between(components[each.source], each.ports, mesh))
        if each.source == name:
            egress.append(_between(components[each.target], each.ports, mesh))
    pods = tuple(
        PodsRule(labels=each.labels, rule=Rule(namespaces=dict([TENANT]), ports=(*each.ports, *mesh)))
        for each in component.tenant_pods
    )
    return Policy(ingress=joined(ingress), egress=joined(egress), pods=pods or None)


def policy_of_tenants(selection: Selection, known: Words) -> Policy:
    """What follows for the namespaces of people: each alone, and the platform that serves them.

    A rule names the namespace of a component, and never one of people: none reaches another.
    """
    components = selection.components.values()
    mesh = (HBONE,) if AMBIENT in selection.components else ()
    ingress = [
        _between(each, flow.ports, mesh)
        for each in components
        for flow in flows(each, selection)
        if flow.to == TENANTS
    ]
    egress = [_between(each, ports, mesh) for each in components if (ports := _ports_of_tenants(each))]
    if gateway := selection.components.get(GATEWAY):
        egress.append(_between(gateway, gateway.public_ports, mesh))
    addresses = (known["proxy"], *(known[each] for each in (S3,) if _is_outside(each, selection)))
    outside = {_port(str(address)) for address in addresses if address}
    return Policy(
        ingress=joined(ingress),
        egress=(
            *joined([*egress, Rule(ports=API_SERVER.ports)]),
            Rule(address=ANYWHERE, without=(METADATA,), ports=tuple(sorted({*OF_TENANTS, *outside}))),
        ),
    )


def _ports_of_tenants(component: Component) -> tuple[int, ...]:
    return (*component.tenant_ports, *(port for each in component.tenant_pods for port in each.ports))


def joined(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """One rule for each peer, with the ports of all."""
    by_peer: dict[tuple[tuple[tuple[str, str], ...], str], list[Rule]] = {}
    for rule in rules:
        peer = (tuple((rule.namespaces or {}).items()), rule.address or "")
        by_peer.setdefault(peer, []).append(rule)
    return tuple(_join(each) for _, each in sorted(by_peer.items()))


def _join(rules: list[Rule]) -> Rule:
    everything = any(each.ports is None for each in rules)
    ports = None if everything else tuple(sorted({port for each in rules for port in each.ports or ()}))
    return rules[0].model_copy(update={"ports": ports})


def flows(component: Component, selection: Selection) -> tuple[Flow, ...]:
    """Its own, and those of its databases: in their pods run programs of the operator and of backups."""
    if not component.databases:
        return component.flows
    backups = selection.components.get(BACKUPS)
    return (*component.flows, API_SERVER, *(backups.flows if backups else ()))


def _declared(name: str, selection: Selection, known: Words, facts: Facts) -> Iterator[Connection]:
    for flow in flows(selection.components[name], selection):
        if flow.to != POSTGRES:  # databases are in the namespace of who needs them
            yield Connection(name, selection.providers.get(flow.to, flow.to), flow.ports)
            if _is_behind_the_gateway(flow.to, selection, known, facts):
                gateway = selection.components.get(GATEWAY)
                yield Connection(name, GATEWAY, gateway.public_ports if gateway else None)


def _observed(selection: Selection) -> Iterator[Connection]:
    for name, component in selection.components.items():
        ports = (*component.metrics, *((METRICS_PORT,) if component.databases else ()))
        if ports:
            yield Connection(METRICS, name, ports)


def _operated(selection: Selection) -> Iterator[Connection]:
    operator = selection.providers.get(POSTGRES, "")
    for name, component in selection.components.items():
        if component.databases:
            yield Connection(operator, name, (STATUS_PORT,))


def _routed(selection: Selection) -> Iterator[Connection]:
    """A route names a port of a service; which one its pods have, only the cluster knows."""
    for name, component in selection.components.items():
        if component.routes:
            yield Connection(GATEWAY, name, None)


def _between(component: Component, ports: tuple[int, ...] | None, mesh: tuple[int, ...]) -> Rule:
    namespaces = {NAME_OF_NAMESPACE: component.namespace}
    return Rule(namespaces=namespaces, ports=None if ports is None else (*ports, *mesh))


def _from_outside(component: Component) -> Iterator[Rule]:
    """The API server is on the network of its node, so no selector finds it."""
    if ports := (*component.webhook_ports, *component.public_ports):
        yield Rule(ports=ports)
    if component.tenant_ports:
        yield Rule(namespaces=dict([TENANT]), ports=component.tenant_ports)


def _to_outside(component: Component, selection: Selection, known: Words, facts: Facts) -> Iterator[Rule]:
    for flow in flows(component, selection):
        match flow.to:
            case "kubernetes":
                yield Rule(ports=flow.ports)
            case "tenants":
                yield Rule(namespaces=dict([TENANT]), ports=flow.ports)
            case "outside":
                yield Rule(address=ANYWHERE, ports=flow.ports)
            case capability if _is_outside(capability, selection):
                yield Rule(address=ANYWHERE, ports=_ports_outside(str(known[capability]), flow))
            case capability if _is_behind_the_gateway(capability, selection, known, facts):
                yield Rule(address=ANYWHERE, ports=(HTTPS,))  # that of the balancer before it


def _is_outside(capability: str, selection: Selection) -> bool:
    return capability in selection.providers and not selection.provider(capability)


def _is_behind_the_gateway(capability: str, selection: Selection, known: Words, facts: Facts) -> bool:
    """Whether its address is one of the platform's names."""
    address = str(known[capability]) if selection.provider(capability) else ""
    return (urlsplit(address).hostname or "").endswith(f".{facts.domain}")


def _ports_outside(address: str, flow: Flow) -> tuple[int, ...]:
    """A name alone says none: those of the pods that would provide it here."""
    return (_port(address),) if "://" in address else flow.ports


def _port(address: str) -> int:
    found = urlsplit(address)
    return found.port or (HTTPS if found.scheme == "https" else 80)
