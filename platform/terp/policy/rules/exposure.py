"""What would be reached from everywhere, and was not."""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

from terp.environment import Environment
from terp.openstack.types import FLOATING_IP, FLOATING_IP_ASSOCIATE, LISTENER, SECURITY_RULE
from terp.policy.finding import Objection
from terp.policy.plan import Plan, Properties, Step

EVERYONE = 8
"""A prefix shorter than this holds more than any organisation's own addresses."""


def public(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Floating IPs, security-group rules and listeners; of a stack that is raised for the first time none."""
    if plan.raised:
        for step in plan.steps:
            now, before = exposed(step)
            if now and not before:
                yield Objection(step.name, f"{now} would be new")


def exposed(step: Step) -> tuple[str, str]:
    """What of a resource is public afterwards, and what is before; empty when nothing is."""
    say = KINDS.get(step.kind)
    if say is None:
        return "", ""
    return tuple(say(side) if side is not None else "" for side in (step.new, step.old))  # type: ignore[return-value]


def _floating_ip(properties: Properties) -> str:
    address = properties.get("floatingIp") or properties.get("address")
    return f"the floating IP {address}" if address else "a floating IP"


def _rule(properties: Properties) -> str:
    if properties.get("direction") != "ingress" or properties.get("remoteGroupId"):
        return ""
    prefix = str(properties.get("remoteIpPrefix") or "")
    if prefix and not _is_everyone(prefix):
        return ""
    first, last = properties.get("portRangeMin"), properties.get("portRangeMax")
    ports = "-".join(f"{port:g}" for port in dict.fromkeys((first, last)) if isinstance(port, int | float))
    protocol = properties.get("protocol") or "everything"
    return f"access from {prefix or 'everywhere'} to {protocol}{f' {ports}' if ports else ''}"


def _listener(properties: Properties) -> str:
    callers = properties.get("allowedCidrs")
    if callers and not any(_is_everyone(str(each)) for each in callers):
        return ""
    port = properties.get("protocolPort")
    return f"a listener for everyone{f' on port {port:g}' if isinstance(port, int | float) else ''}"


def _is_everyone(prefix: str) -> bool:
    try:
        return ip_network(prefix, strict=False).prefixlen < EVERYONE
    except ValueError:  # not known yet
        return False


KINDS: Mapping[str, Callable[[Properties], str]] = {
    FLOATING_IP: _floating_ip,
    FLOATING_IP_ASSOCIATE: _floating_ip,
    SECURITY_RULE: _rule,
    LISTENER: _listener,
}
"""By type, what of it is public."""
