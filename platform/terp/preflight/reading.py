"""Reads a snapshot through openstacksdk: all parts at once, each call and the whole bounded."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from keystoneauth1.exceptions import ClientException, ConnectFailure, ConnectTimeout
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException, HttpException, SDKException, raise_from_response
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from terp.openstack.marks import stack_of
from terp.preflight.snapshot import (
    Access,
    ApplicationCredential,
    Failure,
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

CALL = 20.0
"""Seconds that one call may take."""
WHOLE = 30.0
"""Seconds that reading may take altogether."""
ATTEMPTS = 3
PASSING = frozenset({429, 500, 502, 503, 504})
"""Answers that a second attempt may turn into good ones."""

NOISE = re.compile(r" \((HTTP \d+|Request-ID: [^)]*)\)|^\d{3}: (Client|Server) Error for url: \S+, ")
"""What keystoneauth and openstacksdk add to a service's own words."""

Reader = Callable[[Connection, str], Any]
"""Reads one field of the snapshot for a project."""


class Part(NamedTuple):
    """One thing to read: of which service, what it is called, and how."""

    service: str
    what: str
    read: Reader


def read(connection: Connection, services: Iterable[str], seconds: float = WHOLE) -> Snapshot:
    """What the cloud says, of the given service types as far as the catalogue has them.

    What fails or takes too long is in the snapshot's `failures`; never raises.
    """
    end = time.monotonic() + seconds
    at = datetime.now(UTC)
    authentication = {"access": Part("identity", "authentication", lambda c, _: _access(c, services))}
    found, failures = _all(authentication, connection, "", end, seconds)
    access = found.get("access")
    if not isinstance(access, Access):
        return Snapshot(at=at, failures=failures)
    parts = {name: part for name, part in PARTS.items() if part.service in {*access.services, "identity"}}
    fields, failures = _all(parts, connection, access.project_id, end, seconds)
    quotas = {name: quota for part in QUOTAS for name, quota in (fields.pop(part, None) or {}).items()}
    largest = quotas.pop("per_volume_gigabytes", Quota(limit=-1, used=0)).limit
    return Snapshot(at=at, failures=failures, access=access, quotas=quotas, largest_volume=largest, **fields)


def _all(
    parts: Mapping[str, Part], connection: Connection, project: str, end: float, seconds: float
) -> tuple[dict[str, Any], tuple[Failure, ...]]:
    """Read all parts, each in a thread that is left behind when the time is over."""
    found: dict[str, Any] = {}
    failed: dict[str, Failure] = {}
    threads = {
        name: threading.Thread(
            target=_one, args=(name, part, connection, project, found, failed), name=name, daemon=True
        )
        for name, part in parts.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, end - time.monotonic()))
    for name, part in parts.items():
        if name not in found and name not in failed:
            failed[name] = Failure(
                service=part.service, what=part.what, reason=f"no answer within {seconds:.0f} s"
            )
    return dict(found), tuple(failed[name] for name in parts if name in failed)


def _one(
    name: str,
    part: Part,
    connection: Connection,
    project: str,
    found: dict[str, Any],
    failed: dict[str, Failure],
) -> None:
    patient = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5, max=4),
        retry=retry_if_exception(_passes),
        reraise=True,
    )
    try:
        found[name] = patient(part.read, connection, project)
    except (SDKException, ClientException) as error:
        failed[name] = Failure(
            service=part.service, what=part.what, reason=_reason(error), forbidden=_status(error) == 403
        )
    except Exception as error:  # noqa: BLE001 - whatever a cloud answers, preflight says it and goes on
        failed[name] = Failure(
            service=part.service, what=part.what, reason=f"{type(error).__name__}: {error}"
        )


def _passes(error: BaseException) -> bool:
    return isinstance(error, ConnectFailure) or _status(error) in PASSING


def _status(error: BaseException) -> int | None:
    if isinstance(error, HttpException):
        return error.status_code
    return getattr(error, "http_status", None)


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectTimeout):
        return f"no answer within {CALL:.0f} s"
    if isinstance(error, ConnectFailure):
        return "no connection"
    status = _status(error)
    text = str(getattr(error, "details", None) or error).strip().partition("\n")[0]
    plain = NOISE.sub("", text)
    return f"{status}: {plain}" if status else plain


def _access(connection: Connection, services: Iterable[str]) -> Access:
    access = _authenticated(connection)
    there = {each for each in services if connection.endpoint_for(each)}
    return Access(
        project_id=access.project_id or "",
        roles=frozenset(access.role_names),
        services=frozenset(there),
    )


def _authenticated(connection: Connection) -> Any:  # noqa: ANN401 - keystoneauth's AccessInfo
    auth: Any = connection.session.auth
    return auth.get_access(connection.session)


def _application_credential(connection: Connection, _: str) -> ApplicationCredential | None:
    access = _authenticated(connection)
    keystone: Any = connection.identity
    if not access.application_credential_id:
        return None
    found = keystone.get_application_credential(access.user_id, access.application_credential_id)
    expires = found.expires_at and datetime.fromisoformat(str(found.expires_at))
    return ApplicationCredential(
        name=found.name,
        unrestricted=bool(found.unrestricted),
        expires=expires and expires.replace(tzinfo=UTC),  # Keystone tells UTC, and no zone
    )


def _flavors(connection: Connection, _: str) -> tuple[Flavor, ...]:
    return tuple(
        Flavor(
            id=each.id,
            name=each.name,
            vcpus=each.vcpus,
            ram=each.ram,
            disk=each.disk or 0,
            disabled=bool(each.is_disabled),
        )
        for each in connection.compute.flavors()
    )


def _images(connection: Connection, _: str) -> tuple[Image, ...]:
    newest_first = sorted(connection.image.images(), key=lambda each: each.created_at or "", reverse=True)
    return tuple(
        Image(
            id=each.id,
            name=each.name or "",
            status=each.status,
            min_disk=each.min_disk or 0,
            min_ram=each.min_ram or 0,
            os_distro=each.os_distro,
        )
        for each in newest_first
    )


def _zones(found: Iterable[Any]) -> tuple[Zone, ...]:
    return tuple(Zone(name=each.name, available=bool((each.state or {}).get("available"))) for each in found)


def _marked(each: Any, project: str) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": each.id,
        "name": each.name or "",
        "stack": stack_of(each),
        "mine": each.project_id == project,
    }


def _computes(connection: Connection, _: str) -> Counter[str] | None:
    """To be refused is the ordinary case, and no failure: what it means is said where it matters."""
    try:
        services = list(connection.compute.services(binary="nova-compute"))
    except ForbiddenException:
        return None
    usable = [each for each in services if (each.status, each.state) == ("enabled", "up")]
    return Counter(each.availability_zone for each in usable)


def _servers(connection: Connection, project: str) -> tuple[Marked, ...]:
    return tuple(Marked(**_marked(each, project)) for each in connection.compute.servers())


def _server_groups(connection: Connection, _: str) -> tuple[Marked, ...]:
    return tuple(Marked(id=each.id, name=each.name) for each in connection.compute.server_groups())


def _volumes(connection: Connection, _: str) -> tuple[Marked, ...]:
    return tuple(
        Marked(id=each.id, name=each.name or "", stack=stack_of(each))
        for each in connection.block_storage.volumes()
    )


def _networks(connection: Connection, project: str) -> tuple[Network, ...]:
    return tuple(
        Network(
            **_marked(each, project),
            external=bool(each.is_router_external),
            mtu=each.mtu,
            port_security=each.is_port_security_enabled,
        )
        for each in connection.network.networks()
    )


def _subnets(connection: Connection, project: str) -> tuple[Subnet, ...]:
    return tuple(
        Subnet(
            **_marked(each, project),
            network_id=each.network_id,
            cidr=each.cidr,
            gateway=each.gateway_ip or None,
            dhcp=bool(each.is_dhcp_enabled),
        )
        for each in connection.network.subnets()
    )


def _free_addresses(connection: Connection, _: str) -> dict[str, int]:
    """By network; an ordinary member often sees of none."""
    return {
        each.network_id: each.total_ips - each.used_ips
        for each in connection.network.network_ip_availabilities()
    }


def _routers(connection: Connection, project: str) -> tuple[Router, ...]:
    return tuple(
        Router(
            **_marked(each, project),
            external_network_id=(each.external_gateway_info or {}).get("network_id"),
        )
        for each in connection.network.routers()
    )


def _ports(connection: Connection, project: str) -> tuple[Port, ...]:
    return tuple(
        Port(
            **_marked(each, project),
            network_id=each.network_id,
            owner=each.device_owner or "",
            device_id=each.device_id or "",
            subnet_ids=tuple(fixed["subnet_id"] for fixed in each.fixed_ips),
            addresses=tuple(fixed["ip_address"] for fixed in each.fixed_ips),
        )
        for each in connection.network.ports(project_id=project)
    )


def _security_groups(connection: Connection, project: str) -> tuple[Marked, ...]:
    return tuple(Marked(**_marked(each, project)) for each in connection.network.security_groups())


def _floating_ips(connection: Connection, project: str) -> tuple[FloatingIp, ...]:
    return tuple(
        FloatingIp(
            address=each.floating_ip_address,
            network_id=each.floating_network_id,
            port_id=each.port_id or None,
            stack=stack_of(each),
        )
        for each in connection.network.ips(project_id=project)
    )


def _load_balancers(connection: Connection, project: str) -> tuple[Marked, ...]:
    return tuple(
        Marked(**_marked(each, project))
        for each in connection.load_balancer.load_balancers(project_id=project)
    )


def _compute_quotas(connection: Connection, _: str) -> dict[str, Quota]:
    limits = connection.compute.get_limits().absolute
    keypairs = sum(1 for _ in connection.compute.keypairs())
    counted = {
        "instances": (limits.instances, limits.instances_used),
        "cores": (limits.total_cores, limits.total_cores_used),
        "ram": (limits.total_ram, limits.total_ram_used),
        "server_groups": (limits.server_groups, limits.server_groups_used),
        "server_group_members": (limits.server_group_members, 0),
        "key_pairs": (limits.keypairs, keypairs),
    }
    return {
        name: Quota(limit=limit, used=used or 0)
        for name, (limit, used) in counted.items()
        if limit is not None
    }


def _cinder(connection: Connection) -> Any:  # noqa: ANN401 - version 3 of the two that the SDK has
    return connection.block_storage


def _volume_quotas(connection: Connection, project: str) -> dict[str, Quota]:
    told = _json(connection.block_storage.get(f"/os-quota-sets/{project}", params={"usage": "True"}))
    return {
        name: Quota(limit=each["limit"], used=each["in_use"] + each["reserved"])
        for name, each in told["quota_set"].items()
        if isinstance(each, Mapping)
    }


def _network_quotas(connection: Connection, project: str) -> dict[str, Quota]:
    """Neutron makes a new project's default security group when groups are first listed: it counts too."""
    _security_groups(connection, project)
    told = _json(connection.network.get(f"/quotas/{project}/details.json"))["quota"]
    names = {
        "network": "networks",
        "subnet": "subnets",
        "router": "routers",
        "port": "ports",
        "floatingip": "floating_ips",
        "security_group": "security_groups",
        "security_group_rule": "security_group_rules",
    }
    return {
        ours: Quota(limit=told[theirs]["limit"], used=told[theirs]["used"] + int(told[theirs]["reserved"]))
        for theirs, ours in names.items()
        if theirs in told
    }


def _load_balancer_quotas(connection: Connection, project: str) -> dict[str, Quota]:
    """Octavia tells the limits alone; what is used is counted."""
    balancing = connection.load_balancer
    limits = _json(balancing.get(f"/lbaas/quotas/{project}"))["quota"]
    pools = list(balancing.pools(project_id=project))
    used = {
        "load_balancers": sum(1 for _ in balancing.load_balancers(project_id=project)),
        "listeners": sum(1 for _ in balancing.listeners(project_id=project)),
        "pools": len(pools),
        "health_monitors": sum(1 for _ in balancing.health_monitors(project_id=project)),
        "members": sum(len(pool.members or ()) for pool in pools),
    }
    return {
        name: Quota(limit=limit, used=count)
        for name, count in used.items()
        if (limit := limits.get(name.removesuffix("s"))) is not None
    }


def _json(response: Any) -> Any:  # noqa: ANN401
    """The body of an answer; raises what the SDK raises for one that is no success."""
    raise_from_response(response)
    return response.json()


PARTS: Mapping[str, Part] = {
    "application_credential": Part("identity", "the application credential", _application_credential),
    "flavors": Part("compute", "flavors", _flavors),
    "compute_zones": Part(
        "compute", "availability zones", lambda c, _: _zones(c.compute.availability_zones())
    ),
    "computes": Part("compute", "computes", _computes),
    "keypairs": Part(
        "compute", "key pairs", lambda c, _: frozenset(each.name for each in c.compute.keypairs())
    ),
    "servers": Part("compute", "servers", _servers),
    "server_groups": Part("compute", "server groups", _server_groups),
    "compute_quotas": Part("compute", "quotas", _compute_quotas),
    "images": Part("image", "images", _images),
    "extensions": Part(
        "network", "extensions", lambda c, _: frozenset(each.alias for each in c.network.extensions())
    ),
    "networks": Part("network", "networks", _networks),
    "subnets": Part("network", "subnets", _subnets),
    "free_addresses": Part("network", "free addresses", _free_addresses),
    "routers": Part("network", "routers", _routers),
    "ports": Part("network", "ports", _ports),
    "security_groups": Part("network", "security groups", _security_groups),
    "floating_ips": Part("network", "floating IPs", _floating_ips),
    "network_quotas": Part("network", "quotas", _network_quotas),
    "volumes": Part("block-storage", "volumes", _volumes),
    "volume_types": Part(
        "block-storage", "volume types", lambda c, _: frozenset(each.name for each in c.block_storage.types())
    ),
    "default_volume_type": Part(
        "block-storage",
        "the default volume type",
        lambda c, _: _json(c.block_storage.get("/types/default"))["volume_type"]["name"],
    ),
    "volume_zones": Part(
        "block-storage", "availability zones", lambda c, _: _zones(_cinder(c).availability_zones())
    ),
    "volume_quotas": Part("block-storage", "quotas", _volume_quotas),
    "load_balancers": Part("load-balancer", "load balancers", _load_balancers),
    "load_balancer_providers": Part(
        "load-balancer",
        "providers",
        lambda c, _: frozenset(each.name for each in c.load_balancer.providers()),
    ),
    "load_balancer_quotas": Part("load-balancer", "quotas", _load_balancer_quotas),
    "dns_zones": Part("dns", "zones", lambda c, _: frozenset(each.name for each in c.dns.zones())),
}
"""What is read of each service, by the field of the snapshot that it fills, or as a part of `quotas`."""
QUOTAS = ("compute_quotas", "volume_quotas", "network_quotas", "load_balancer_quotas")
