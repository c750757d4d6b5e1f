"""Which volumes outlive their stack: named when it is destroyed, and marked as left on purpose."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from terp.environment.findings import did_you_mean
from terp.errors import TerpError
from terp.stack.reap.ownership import KEPT
from terp.stack.reap.survey import Found

if TYPE_CHECKING:
    from openstack.connection import Connection

CLAIM = "csi.storage.k8s.io/pvc"
"""How what Cinder's plugin notes of a claim begins (its option --extra-create-metadata)."""


def names_of(volume: Any) -> tuple[str, ...]:  # noqa: ANN401
    """What a volume can be called: `namespace/claim`, its name, its id."""
    metadata: Mapping[str, str] = volume.metadata or {}
    claim = (metadata.get(f"{CLAIM}/namespace"), metadata.get(f"{CLAIM}/name"))
    return ("/".join(map(str, claim)),) * all(claim) + (str(volume.name), str(volume.id))


def chosen(names: Collection[str], found: Iterable[Found]) -> tuple[Found, ...]:
    """The volumes of these names.

    Raises:
        TerpError: there is none of one of the names (exit code 2).
    """
    volumes = [each for each in found if each.thing.kind == "volume"]
    known = {name: each for each in volumes for name in names_of(each.resource)}
    for name in names:
        if name not in known:
            readable = [names_of(each.resource)[0] for each in volumes]
            hint = did_you_mean(name, readable) or f"there are {', '.join(sorted(readable)) or 'none'}"
            raise TerpError(f"no volume of the stack is called {name!r}", hint=hint, exit_code=2)
    return tuple({known[name].thing.id: known[name] for name in names}.values())


def mark_kept(connection: "Connection", found: Iterable[Found]) -> None:
    """Note on each volume that it was left on purpose, and when."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for each in found:
        connection.block_storage.set_volume_metadata(each.resource, **{KEPT: now})


def mark_in_use(connection: "Connection", found: Iterable[Found]) -> None:
    """Take back what `mark_kept` noted."""
    for each in (one for one in found if one.thing.kept):
        connection.block_storage.delete_volume_metadata(each.resource, keys=[KEPT])
