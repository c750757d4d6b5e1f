"""What the cloud offers to servers: flavors, images, zones, volume types, key pairs."""

from collections import Counter
from collections.abc import Iterator

from terp.environment import Environment
from terp.environment.findings import Key, did_you_mean
from terp.openstack.servers import Role, Server, ServerGroup, server_groups, servers
from terp.preflight import mentions
from terp.preflight.finding import Finding, error, warning
from terp.preflight.mentions import group_key
from terp.preflight.networks import exactly_one
from terp.preflight.snapshot import Flavor, Image, Snapshot, Zone

RAM = {"control-plane": 1500, "worker": 1024}
"""MiB; Kubespray v2.31.0 asserts them: `minimal_master_memory_mb`, `minimal_node_memory_mb`."""


def check(stack: str, environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Findings about everything that a server is made of."""
    if snapshot.flavors is not None:
        yield from _flavors(environment, snapshot.flavors)
    if snapshot.images is not None:
        yield from _images(environment, snapshot.images)
    yield from _fit(stack, environment, snapshot)
    yield from _zones(environment, snapshot)
    for group in server_groups(stack, environment):
        if group.affinity == "anti-affinity":
            yield from _apart(stack, group, snapshot)
    if snapshot.server_groups is not None:
        for key, reference in mentions.server_groups(environment):
            yield from exactly_one(key, "server group", reference, snapshot.server_groups)
    yield from _volume_types(environment, snapshot.volume_types)
    yield from _keypair(environment, snapshot.keypairs)


def _flavors(environment: Environment, there: tuple[Flavor, ...]) -> Iterator[Finding]:
    usable = {flavor.name for flavor in there if not flavor.disabled}
    by_id = {flavor.id: flavor.name for flavor in there}
    for key, name in mentions.flavors(environment):
        if name in usable:
            continue
        if name in by_id:
            yield error(key, "this is the id of a flavor, not its name", f'its name is "{by_id[name]}"')
        else:
            state = "is disabled" if name in by_id.values() else "does not exist"
            yield error(key, f"the flavor {name!r} {state}", did_you_mean(name, usable))


def image_of(reference: str, there: tuple[Image, ...]) -> Image | None:
    """The image that is taken: of an id that one, of a name the newest active one."""
    return next(
        (
            image
            for image in there
            if image.id == reference or (image.name == reference and image.status == "active")
        ),
        None,
    )


def _images(environment: Environment, there: tuple[Image, ...]) -> Iterator[Finding]:
    active = {image.name for image in there if image.status == "active"}
    for key, reference in mentions.images(environment):
        image = image_of(reference, there)
        if image and image.status != "active":
            yield error(key, f"the image {reference!r} is {image.status}, not active")
        elif not image:
            states = sorted({each.status for each in there if each.name == reference})
            what = f"is {' and '.join(states)}, not active" if states else "does not exist"
            yield error(key, f"the image {reference!r} {what}", did_you_mean(reference, active))
        elif not environment.access.ssh.user and (image.id == reference or not image.os_distro):
            why = "it is named by id" if image.id == reference else "it has no os_distro"
            yield error(
                key, f"nothing tells the login of the image {reference!r}: {why}", "set access.ssh.user"
            )


def _fit(stack: str, environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Flavors against images and roles, each mistake once."""
    flavors = {flavor.name: flavor for flavor in snapshot.flavors or ()}
    found: dict[Finding, None] = {}
    for server in servers(stack, environment):
        if flavor := flavors.get(server.flavor):
            image = image_of(server.image, snapshot.images or ())
            found.update(dict.fromkeys(_fits(environment, server, flavor, image)))
    yield from found


def _fits(environment: Environment, server: Server, flavor: Flavor, image: Image | None) -> Iterator[Finding]:
    key = _key(server, environment, "flavor")
    least = _least_ram(server.role)
    if flavor.ram < least:
        yield error(key, f"{flavor.name} has {flavor.ram} MiB of RAM; a {server.role} node needs {least}")
    root = server.root_volume
    disk = root.size if root else flavor.disk
    if not disk:
        yield error(
            key,
            f"{flavor.name} has no disk of its own",
            f"set {'.'.join(map(str, group_key(server.group)))}.root_volume",
        )
    if not image:
        return
    if flavor.ram < image.min_ram:
        yield error(
            key, f"{flavor.name} has {flavor.ram} MiB of RAM; the image {image.name} wants {image.min_ram}"
        )
    if 0 < disk < image.min_disk:
        where: Key = (*_key(server, environment, "root_volume"), "size") if root else key
        what = "the root volume" if root else flavor.name
        yield error(where, f"{what} has {disk} GiB; the image {image.name} wants {image.min_disk}")


def _least_ram(role: Role) -> int:
    return RAM.get(role, 0)


def _key(server: Server, environment: Environment, what: str) -> Key:
    """Where the flavor or root volume of a server stands: in its own override, or in its group."""
    key = group_key(server.group)
    own: Key = (*key, "overrides", server.number, what)
    said = (*mentions.flavors(environment), *mentions.volumes(environment))
    return own if any(own == each for each, _ in said) else (*key, what)


def _zones(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.compute_zones is not None:
        usable = {zone.name for zone in snapshot.compute_zones if zone.available}
        known = {zone.name for zone in snapshot.compute_zones}
        for key, name in mentions.zones(environment):
            if name not in usable:
                state = "is not available" if name in known else "does not exist"
                yield error(key, f"the availability zone {name!r} {state}", did_you_mean(name, usable))
    for key, _ in list(mentions.volumes(environment))[:1]:
        if snapshot.volume_zones is not None and not any(map(_available, snapshot.volume_zones)):
            yield error(key, "no availability zone of volumes is available", "ask the cloud's operator")


def _available(zone: Zone) -> bool:
    return zone.available


def _apart(stack: str, group: ServerGroup, snapshot: Snapshot) -> Iterator[Finding]:
    """A compute for each server of a group that must be on different ones, in all and zone by zone."""
    key: Key = (*group_key(group.name), "affinity")
    computes, count = snapshot.computes, len(group.servers)
    if computes is None:
        there = {each.name for each in snapshot.servers or () if each.stack == stack}
        if count > 1 and not all(server.name in there for server in group.servers):
            yield warning(
                key,
                f"whether the cloud has {count} computes for {count} servers apart cannot be known: "
                "only its administrators may list them",
                "Nova refuses a server that finds no compute of its own; soft-anti-affinity places it anyway",
            )
        return
    wanted = Counter(zone for server in group.servers if (zone := server.zone) and zone in computes)
    short = [
        f"{number} in {zone}, which has {computes[zone]}"
        for zone, number in sorted(wanted.items())
        if number > computes[zone]
    ]
    if count > sum(computes.values()):
        short = [f"{count}; the cloud has {sum(computes.values())}"]
    if short:
        yield error(
            key,
            f"each server needs a compute of its own: {'; '.join(short)}",
            "fewer servers, other zones, or soft-anti-affinity",
        )


def _volume_types(environment: Environment, there: frozenset[str] | None) -> Iterator[Finding]:
    for key, name in mentions.volume_types(environment):
        if there is not None and name not in there:
            yield error(key, f"the volume type {name!r} does not exist", did_you_mean(name, there))


def _keypair(environment: Environment, there: frozenset[str] | None) -> Iterator[Finding]:
    name = environment.access.ssh.keypair
    if name and there is not None and name not in there:
        yield error(
            ("access", "ssh", "keypair"),
            f"the user has no key pair {name!r}",
            did_you_mean(name, there) or "leave it out: one is made",
        )
