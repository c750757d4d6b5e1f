"""Volumes: large enough, and mounted where nothing of the system is hidden."""

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from terp.environment.environment import Environment
from terp.environment.findings import Finding, Key
from terp.environment.nodes import Volume
from terp.environment.rules.parts import Part, parts

SMALLEST_ROOT = 10
"""GiB: the system, Kubernetes' programs and the images that every node pulls."""
SMALLEST_BASTION_ROOT = 5
"""GiB: the system alone."""
SMALLEST_ETCD = 4
"""GiB: etcd's database (2 GiB by default, etcd v3.6 "System limits") and its copy when defragmented."""
ETCD, ETCD_MOUNT = "etcd", "/var/lib/etcd"
SYSTEM = {
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
}
"""Neither these nor anything in them."""
HIDDEN = {"/", "/home", "/root", "/tmp", "/var", "/var/lib", "/var/lib/cloud", "/var/lib/dpkg", "/var/cache"}  # noqa: S108
"""Not these themselves: a volume would hide what the system has in them; directories in them are free."""


def volumes_are_large_enough(environment: Environment) -> Iterator[Finding]:
    """The system of a node, that of the bastion, and etcd with its copies each need some GiB."""
    for part in parts(environment):
        etcd = getattr(part.group, "etcd_volume", None)
        yield from _large(
            (*part.key, "root_volume", "size"), part.group.root_volume, SMALLEST_ROOT, "a node's system"
        )
        for number, own in sorted(part.group.overrides.items()):
            key: Key = (*part.key, "overrides", str(number), "root_volume", "size")
            yield from _large(key, own.root_volume, SMALLEST_ROOT, "a node's system")
        yield from _large((*part.key, "etcd_volume", "size"), etcd, SMALLEST_ETCD, "etcd with its copies")
    if bastion := environment.access.bastion:
        key = ("access", "bastion", "root_volume", "size")
        yield from _large(key, bastion.root_volume, SMALLEST_BASTION_ROOT, "a system")


def _large(key: Key, volume: Volume | None, least: int, what: str) -> Iterator[Finding]:
    if volume and volume.size < least:
        yield Finding(
            key=key, message=f"{volume.size} GiB are too small for {what}", suggestion=f"{least} GiB or more"
        )


def mount_points_hide_nothing(environment: Environment) -> Iterator[Finding]:
    """No directory of the system; written in one way only."""
    for part in parts(environment):
        for name, volume in sorted(part.group.volumes.items()):
            key = (*part.key, "volumes", name, "mount")
            plain = posixpath.normpath(volume.mount)
            system = next(
                (each for each in SYSTEM if _inside(plain, each)), plain if plain in HIDDEN else None
            )
            if plain != volume.mount:
                yield Finding(
                    key=key,
                    message=f'"{volume.mount}" has "..", "." or "//" in it',
                    suggestion=f'did you mean "{plain}"?',
                )
            elif system:
                yield Finding(
                    key=key,
                    message=f"a volume on {plain} would hide what the system has in {system}",
                    suggestion=f"a directory of its own, such as /var/lib/{name}",
                )


def _inside(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


def mount_points_are_apart(environment: Environment) -> Iterator[Finding]:
    """No two volumes in one directory, none inside another: in which order they are mounted is not said."""
    for part in parts(environment):
        seen: list[tuple[Key, str]] = _etcd(part)
        for name, volume in sorted(part.group.volumes.items(), key=lambda each: (len(each[1].mount), each)):
            key = (*part.key, "volumes", name, "mount")
            mount = posixpath.normpath(volume.mount)
            other = next((each for each in seen if _inside(mount, each[1]) or _inside(each[1], mount)), None)
            seen.append((key, mount))
            if other:
                how = "the place of" if other[1] == mount else "nested with"
                yield Finding(
                    key=key,
                    message=f"{mount} is {how}",
                    other=other[0],
                    value=other[1],
                    suggestion=f"a directory of its own, such as /var/lib/{name}",
                )


def _etcd(part: Part) -> list[tuple[Key, str]]:
    there = getattr(part.group, "etcd_volume", None)
    return [((*part.key, "etcd_volume"), ETCD_MOUNT)] if there else []


def the_volume_of_etcd_has_its_name(environment: Environment) -> Iterator[Finding]:
    """A data volume of that name would take its place."""
    for part in parts(environment):
        if ETCD in part.group.volumes and getattr(part.group, "etcd_volume", None):
            yield Finding(
                key=(*part.key, "volumes", ETCD),
                message="there is a volume for etcd already, by",
                other=(*part.key, "etcd_volume"),
                suggestion="leave one of them out",
            )


def etcd_has_its_volume_where_it_runs(environment: Environment) -> Iterator[Finding]:
    """On nodes.etcd when there are such nodes."""
    if environment.nodes.etcd and environment.nodes.control_plane.etcd_volume:
        yield Finding(
            key=("nodes", "control_plane", "etcd_volume"),
            message="has no effect: etcd runs on the nodes of",
            other=("nodes", "etcd"),
            suggestion="move it to nodes.etcd.etcd_volume",
        )


VOLUMES = (
    volumes_are_large_enough,
    mount_points_hide_nothing,
    mount_points_are_apart,
    the_volume_of_etcd_has_its_name,
    etcd_has_its_volume_where_it_runs,
)
