"""Makes the kernel look like the plan, whatever it looks like now, and keeps it so."""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_interface

from terp.cloud.network import dns, kernel, links, machine
from terp.cloud.network.model import Snapshot
from terp.cloud.network.plan import BridgePlan, Plan, numbered, plan, zoned
from terp.cloud.network.routing import RESOLVER, KernelRoute, RouterPlan, router_namespace
from terp.cloud.place import Place
from terp.errors import TerpError

AUDIT = 10.0
"""Seconds between two comparisons of every link, address and route with the plan."""
RETRY = 2.0
"""Seconds after which what failed is tried again."""
ROUTER_PARAMETERS = {
    "net/ipv4/ip_forward": 1,
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
    "net/ipv4/conf/all/arp_ignore": 1,
    "net/ipv4/conf/all/arp_announce": 2,
    "net/ipv4/conf/all/send_redirects": 0,
    "net/ipv4/conf/default/send_redirects": 0,
    "net/ipv6/conf/all/disable_ipv6": 0,
    "net/ipv6/conf/default/disable_ipv6": 0,
    "net/ipv6/conf/default/accept_ra": 0,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/conf/all/forwarding": 1,
}
FAILURES = (TerpError, OSError, ValueError)
"""What can go wrong with one part of the plan, without harm to the others."""


@dataclass
class Outcome:
    """What one pass did: parts that were changed, and parts that failed with their messages."""

    changed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Reconciler:
    """The data plane of one cloud.

    What it remembers only saves work: a new one on the same kernel adopts what is there.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._resolvers = dns.Resolvers(place)
        self._plan: Plan | None = None
        self._numbers: dict[str, int] = {}
        self._zones: dict[str, int] = {}
        self._rules: dict[str, tuple[str, int]] = {}  # by namespace: what was loaded, and as which generation
        self._done: dict[str, RouterPlan] = {}
        self._bridges: tuple[BridgePlan, ...] = ()
        self._guarded = ""
        self._audited = -AUDIT
        self._retry_at: float | None = None

    def prepare(self) -> Outcome:
        """What needs no word of Neutron: the closed fabric, the machine's leg and its guard."""
        outcome = Outcome()
        self._part(outcome, "fabric", self._fabric)
        self._part(outcome, "leg", lambda: machine.ensure_leg(self._place, None))
        self._part(outcome, "guard", self._guard)
        return outcome

    def follow(self, snapshot: Snapshot) -> Outcome:
        """Bring the kernel in line with a new snapshot."""
        if self._plan is None:
            self._zones = self._zones_of_bridges(snapshot)
        self._zones |= zoned(snapshot, self._zones)
        self._numbers |= numbered(snapshot, self._numbers)
        self._plan = plan(
            snapshot, numbers=self._numbers, zones=self._zones, external_cidr=self._place.external_cidr
        )
        return self._apply(self._plan, audit=False)

    def keep(self) -> Outcome | None:
        """Repair what somebody else changed since; None when there was no reason to look."""
        if self._plan is None:
            return None
        audit = time.monotonic() - self._audited > AUDIT
        retry = self._retry_at is not None and time.monotonic() > self._retry_at
        if not (audit or retry or self._touched()):
            return None
        return self._apply(self._plan, audit=True)

    def audit_now(self) -> None:
        """Let the next `keep` compare everything, whenever the last comparison was."""
        self._audited = -AUDIT

    def _touched(self) -> bool:
        """A namespace is gone, or its rules are not those that were loaded: cheap enough for every moment."""
        return any(_generation(name) != loaded for name, (_, loaded) in self._rules.items())

    def _apply(self, desired: Plan, *, audit: bool) -> Outcome:
        start, outcome = time.monotonic(), Outcome()
        if audit:
            self._done.clear()
            self._bridges = ()
            self._audited = start
        if not links.exists(links.fabric(self._place)):
            self._rules.clear()
            self._done.clear()
            self._bridges = ()
        self._part(outcome, "security groups", lambda: self._firewall(desired.firewall))
        self._part(outcome, "bridges", lambda: self._ensure_bridges(desired.bridges))
        if audit or "bridges" in outcome.changed:
            more = desired.external_addresses
            self._part(outcome, "leg", lambda: machine.ensure_leg(self._place, desired.external, more))
            self._part(outcome, "guard", self._guard)
        for router in desired.routers:
            self._part(outcome, f"router {router.router}", partial(self._router, router))
        self._part(outcome, "old routers", lambda: self._remove_routers(desired))
        self._retry_at = time.monotonic() + RETRY if outcome.failed else None
        outcome.seconds = time.monotonic() - start
        return outcome

    def _part(self, outcome: Outcome, name: str, do: Callable[[], bool]) -> None:
        try:
            if do():
                outcome.changed.append(name)
        except FAILURES as error:
            outcome.failed[name] = str(error)

    def _fabric(self) -> bool:
        links.ensure_fabric(self._place)
        links.prepare_fabric(self._place)
        return False

    def _firewall(self, rules: str) -> bool:
        namespace = links.ensure_fabric(self._place)
        return self._load(namespace, rules)

    def _load(self, namespace: str, rules: str) -> bool:
        loaded = self._rules.get(namespace)
        if loaded and loaded[0] == rules and kernel.generation(namespace) == loaded[1]:
            return False
        self._rules.pop(namespace, None)
        kernel.load_rules(self._place, namespace, rules)
        self._rules[namespace] = (rules, kernel.generation(namespace))
        return True

    def _guard(self) -> bool:
        listed = machine.listed_guard(self._place)
        if listed and listed == self._guarded:
            return False
        machine.ensure_guard(self._place, machine.guard(self._place))
        self._guarded = machine.listed_guard(self._place)
        return True

    def _zones_of_bridges(self, snapshot: Snapshot) -> dict[str, int]:
        """Zones by network, as an earlier process gave them: a bridge has its own as its link's group."""
        groups = {str(link["ifname"]): str(link.get("group", "")) for link in self._fabric_links()}
        found = {network.id: groups.get(links.bridge(network.id), "") for network in snapshot.networks}
        return {network: int(group) for network, group in found.items() if group.isdecimal()}

    def _fabric_links(self) -> list[dict[str, object]]:
        return links.links(links.fabric(self._place))

    def _ensure_bridges(self, wanted: tuple[BridgePlan, ...]) -> bool:
        if wanted == self._bridges:
            return False
        fabric, changed = links.fabric(self._place), False
        have = {str(link["ifname"]): link for link in self._fabric_links()}
        for each in wanted:
            link = have.get(links.bridge(each.network), {})
            if (link.get("mtu"), str(link.get("group"))) != (each.mtu, str(each.zone)):
                name = links.ensure_bridge(self._place, each.network, each.mtu)
                kernel.batch(fabric, [f"link set {name} group {each.zone}"])
                changed = True
        gone = {name for name in have if name.startswith("br-")} - {
            links.bridge(each.network) for each in wanted
        }
        kernel.batch(fabric, [f"link delete {name}" for name in sorted(gone)])
        self._bridges = wanted
        return changed or bool(gone)

    def _router(self, wanted: RouterPlan) -> bool:
        namespace = router_namespace(self._place.tag, wanted.router)
        if self._done.get(namespace) == wanted and links.exists(namespace):
            return self._load(namespace, wanted.rules)
        done = self._done.pop(namespace, None)
        changed = not links.exists(namespace)
        if changed:
            done = None
            self._rules.pop(namespace, None)
        if namespace not in self._rules:
            links.ensure_namespace(namespace)
            links.write_parameters(namespace, ROUTER_PARAMETERS)
        changed |= self._load(namespace, wanted.rules)
        if done is None or (done.links, done.routes) != (wanted.links, wanted.routes):
            changed |= self._router_links(namespace, wanted)
            changed |= self._router_routes(namespace, wanted)
        changed |= self._resolvers.ensure(namespace, wanted.hosts)
        self._done[namespace] = wanted
        return changed

    def _router_routes(self, namespace: str, wanted: RouterPlan) -> bool:
        ours, kernels = kernel.routes(namespace)
        changed = False
        for link in wanted.links:
            bare = frozenset(each for each in link.addresses if not _routed(each, link.name, kernels))
            if bare:  # somebody removed the route that came with the address
                kernel.change_addresses(namespace, link.name, bare, frozenset())
                kernel.change_addresses(namespace, link.name, frozenset(), bare)
                changed = True
        if changed:
            ours, _ = kernel.routes(namespace)
        if ours != wanted.routes:
            kernel.change_routes(namespace, ours, wanted.routes)
            changed = True
        return changed

    def _router_links(self, namespace: str, wanted: RouterPlan) -> bool:
        changed = False
        have = kernel.addresses(namespace)
        masters = {str(link["ifname"]): link.get("master") for link in self._fabric_links()}
        for link in wanted.links:
            if link.name not in have or masters.get(links.tap(link.port)) != links.bridge(link.network):
                links.plug(
                    self._place,
                    port=link.port,
                    mac=link.mac,
                    network=link.network,
                    mtu=link.mtu,
                    namespace=namespace,
                    ifname=link.name,
                )
                kernel.batch(namespace, [f"link set {link.name} up"])
                have[link.name] = frozenset()  # it may be a new link
                changed = True
        gone = sorted(set(have) - {"lo"} - {link.name for link in wanted.links})
        kernel.batch(namespace, [f"link delete {name}" for name in gone])
        desired = {link.name: link.addresses for link in wanted.links} | {"lo": frozenset({f"{RESOLVER}/32"})}
        for name, addresses in desired.items():
            before = have.get(name, frozenset())
            if before != addresses:
                kernel.change_addresses(namespace, name, before, addresses)
                changed = True
                for address in sorted(addresses - before) if name != "lo" else ():
                    if ":" not in address:
                        kernel.announce(namespace, name, address.partition("/")[0])
        return changed or bool(gone)

    def _remove_routers(self, desired: Plan) -> bool:
        prefix = router_namespace(self._place.tag, "")
        wanted = {router_namespace(self._place.tag, router.router) for router in desired.routers}
        gone = [
            name for name in links.namespaces(self._place) if name.startswith(prefix) and name not in wanted
        ]
        for name in gone:
            self._resolvers.remove(name)
            links.delete_namespace(name)
            self._rules.pop(name, None)
            self._done.pop(name, None)
        return bool(gone)


def _generation(namespace: str) -> int | None:
    """As `kernel.generation`; None when the namespace is gone."""
    try:
        return kernel.generation(namespace)
    except OSError:
        return None


def _routed(address: str, link: str, kernels: Set[KernelRoute]) -> bool:
    """The route to the address's own network is there; single addresses have none."""
    network = ip_interface(address).network
    route = KernelRoute(destination=str(network), nexthop=None, link=link)
    return network.prefixlen == network.max_prefixlen or route in kernels
