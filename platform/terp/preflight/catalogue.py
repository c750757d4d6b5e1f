"""The catalogue: the services that the environment needs, and what they must be able to do."""

from collections.abc import Iterator, Mapping

from terp.environment import Environment
from terp.environment.findings import Key, did_you_mean
from terp.preflight.finding import Finding, error
from terp.preflight.mentions import API
from terp.preflight.snapshot import Snapshot

CLOUD: Key = ("cloud", "name")
ALWAYS = {"compute": "Nova", "network": "Neutron", "block-storage": "Cinder, version 3", "image": "Glance"}
ENDPOINT: Key = (*API, "endpoint")
EXTENSIONS = {
    "security-group": "security groups",
    "router": "routers",
    "external-net": "external networks",
    "allowed-address-pairs": "addresses of pods and Services on the nodes' ports",
    "standard-attr-tag": "tags, by which what belongs to a stack is found",
    "standard-attr-description": "descriptions, by which what belongs to a stack is found",
}
"""What of Neutron every environment takes."""


def needed(environment: Environment) -> Mapping[str, tuple[Key, str]]:
    """Service types of the catalogue, with the key that asks for them and what usually offers them."""
    services = {kind: (CLOUD, name) for kind, name in ALWAYS.items()}
    if environment.access.api.endpoint == "load-balancer":
        services["load-balancer"] = (ENDPOINT, "Octavia")
    if environment.cloud.dns:
        services["dns"] = (("cloud", "dns"), "Designate")
    return services


def check(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Findings about services, Neutron's extensions, load balancer providers and DNS zones."""
    if snapshot.access:
        yield from _services(environment, snapshot.access.services)
    if snapshot.extensions is not None:
        yield from _extensions(environment, snapshot.extensions)
    yield from _provider(environment, snapshot)
    yield from _zone(environment, snapshot)


def _services(environment: Environment, there: frozenset[str]) -> Iterator[Finding]:
    suggestions = {
        "load-balancer": 'endpoint: "virtual-ip" needs no service',
        "dns": "leave cloud.dns out, or name a region that has it (cloud.region)",
    }
    for kind, (key, name) in needed(environment).items():
        if kind not in there:
            yield error(
                key,
                f"the cloud's catalogue has no {kind} service ({name})",
                suggestions.get(kind, "is it another region? cloud.region"),
            )


def _extensions(environment: Environment, there: frozenset[str]) -> Iterator[Finding]:
    for alias, (key, purpose) in _wanted_extensions(environment).items():
        if alias not in there:
            yield error(key, f"the cloud's Neutron lacks the extension {alias}: {purpose}")


def _wanted_extensions(environment: Environment) -> Mapping[str, tuple[Key, str]]:
    network = environment.network
    wanted: dict[str, tuple[Key, str]] = {alias: (CLOUD, why) for alias, why in EXTENSIONS.items()}
    if network.dns_domain:
        wanted["dns-integration"] = (("network", "dns_domain"), "names of ports")
    if network.mtu and not network.existing:
        wanted["net-mtu-writable"] = (("network", "mtu"), "an MTU of one's own")
    if not network.port_security and not network.existing:
        wanted["port-security"] = (("network", "port_security"), "ports without security groups")
    for name, additional in sorted(network.additional.items()):
        key: Key = ("network", "additional", name)
        if not additional.port_security:
            wanted["port-security"] = ((*key, "port_security"), "ports without security groups")
        if additional.mtu and not additional.existing:
            wanted.setdefault("net-mtu-writable", ((*key, "mtu"), "an MTU of one's own"))
    return wanted


def _provider(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    api, there = environment.access.api, snapshot.load_balancer_providers
    if api.endpoint == "load-balancer" and api.provider and there is not None and api.provider not in there:
        yield error(
            (*API, "provider"),
            f"the cloud's Octavia has no provider {api.provider!r}",
            f"possible: {', '.join(sorted(there))}; or leave it out for the cloud's default",
        )


def _zone(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    dns, there = environment.cloud.dns, snapshot.dns_zones
    if not dns or there is None:
        return
    wanted = f"{dns.zone.rstrip('.')}."
    if not dns.create and wanted not in there:
        yield error(
            ("cloud", "dns", "zone"),
            f"the project has no DNS zone {wanted}",
            did_you_mean(wanted, there) or "cloud.dns.create makes it",
        )
