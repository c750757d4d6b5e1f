"""An environment and a cloud that suits it; tests change one thing of either."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from terp.environment import Environment
from terp.preflight.finding import Finding
from terp.preflight.snapshot import (
    Access,
    ApplicationCredential,
    Flavor,
    FloatingIp,
    Image,
    Marked,
    Network,
    Port,
    Quota,
    Router,
    Snapshot,
    Subnet,
    Zone,
)

STACK = "prod"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SERVICES = frozenset({"compute", "network", "block-storage", "image", "load-balancer", "dns"})
EXTENSIONS = frozenset(
    {
        "security-group",
        "router",
        "external-net",
        "allowed-address-pairs",
        "standard-attr-tag",
        "standard-attr-description",
        "port-security",
        "dns-integration",
        "net-mtu-writable",
    }
)


def environment(**changes: Any) -> Environment:
    """Three control-plane nodes with etcd volumes, two workers, a bastion; `changes` by dotted key."""
    raw: dict[str, Any] = {
        "cloud": {"name": "embedded"},
        "network": {},
        "nodes": {
            "image": "debian-12",
            "control_plane": {
                "flavor": "m1.medium",
                "count": 3,
                "etcd_volume": {"size": 20, "type": "fast"},
            },
            "pools": {"cpu": {"flavor": "m1.large", "count": 2}},
        },
        "access": {"bastion": {"flavor": "m1.small"}},
    }
    for key, value in changes.items():
        *way, last = key.split("__")
        place = raw
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return Environment.model_validate(raw)


def snapshot(**changes: Any) -> Snapshot:
    """A cloud that has all of it and room enough; `changes` by field."""
    fields: dict[str, Any] = {
        "at": NOW,
        "access": Access(
            project_id="p1",
            roles=frozenset({"member", "reader"}),
            services=SERVICES,
        ),
        "application_credential": ApplicationCredential(name="terp", unrestricted=False, expires=None),
        "extensions": EXTENSIONS,
        "flavors": (
            Flavor(id="f0", name="m1.tiny", vcpus=1, ram=512, disk=5),
            Flavor(id="f1", name="m1.small", vcpus=1, ram=2048, disk=20),
            Flavor(id="f2", name="m1.medium", vcpus=2, ram=4096, disk=40),
            Flavor(id="f3", name="m1.large", vcpus=4, ram=8192, disk=80),
            Flavor(id="f4", name="d0.large", vcpus=4, ram=8192, disk=0),
        ),
        "images": (Image(id="i1", name="debian-12", min_disk=2, os_distro="debian"),),
        "compute_zones": (Zone(name="zone-a"), Zone(name="zone-b"), Zone(name="zone-x", available=False)),
        "volume_zones": (Zone(name="nova"),),
        "volume_types": frozenset({"fast", "standard"}),
        "default_volume_type": "standard",
        "keypairs": frozenset({"ops"}),
        "servers": (),
        "server_groups": (Marked(id="sg1", name="apart"),),
        "volumes": (),
        "networks": (
            Network(id="n1", name="public", external=True, mine=False),
            Network(id="n2", name="corporate", mtu=1500, port_security=True, mine=False),
        ),
        "free_addresses": {"n1": 100},
        "subnets": (
            Subnet(
                id="s1",
                name="corporate-v4",
                network_id="n2",
                cidr=IPv4Network("10.10.0.0/22"),
                gateway=IPv4Address("10.10.0.1"),
                mine=False,
            ),
        ),
        "routers": (Router(id="r1", name="edge", external_network_id="n1"),),
        "ports": (
            Port(
                id="p1",
                name="",
                network_id="n2",
                owner="network:router_interface",
                device_id="r1",
                subnet_ids=("s1",),
            ),
        ),
        "security_groups": (Marked(id="g0", name="default"), Marked(id="g1", name="monitoring")),
        "floating_ips": (FloatingIp(address=IPv4Address("198.51.100.140"), network_id="n1"),),
        "load_balancers": (),
        "load_balancer_providers": frozenset({"amphora", "ovn"}),
        "dns_zones": frozenset({"ml.example.org."}),
        "quotas": QUOTAS,
    }
    return Snapshot(**{**fields, **changes})


QUOTAS = {
    "instances": Quota(limit=20, used=4),
    "cores": Quota(limit=40, used=8),
    "ram": Quota(limit=102_400, used=16_384),
    "server_groups": Quota(limit=10, used=0),
    "server_group_members": Quota(limit=10, used=0),
    "key_pairs": Quota(limit=10, used=1),
    "networks": Quota(limit=10, used=1),
    "subnets": Quota(limit=10, used=1),
    "routers": Quota(limit=2, used=1),
    "ports": Quota(limit=50, used=8),
    "security_groups": Quota(limit=10, used=2),
    "security_group_rules": Quota(limit=100, used=8),
    "floating_ips": Quota(limit=5, used=1),
    "volumes": Quota(limit=10, used=0),
    "gigabytes": Quota(limit=1000, used=0),
    "volumes_fast": Quota(limit=-1, used=0),
    "gigabytes_fast": Quota(limit=500, used=100),
    "load_balancers": Quota(limit=2, used=0),
}


def said(findings: Any) -> list[tuple[str, str, str, str]]:
    """Severity, dotted key, message and suggestion of each finding."""
    return [
        (each.severity, each.model_dump()["key"], each.message, each.suggestion)
        for each in findings
        if isinstance(each, Finding)
    ]
