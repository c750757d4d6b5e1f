"""What a recovery set says of itself: which objects it has, and of which environment at which moment.

It is not encrypted and has no secrets. Its name holds its own digest and it holds those of its objects, so
whoever knows the name knows whether anything was changed or is missing.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError, model_validator

from terp.errors import TerpError
from terp.model import Model
from terp.recovery.contents import Layer, parts_of

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
TIME = "%Y%m%dT%H%M%SZ"
DIGITS = 32
"""Hexadecimal digits of a manifest's digest in its name."""
NAME = re.compile(rf"\d{{8}}T\d{{6}}Z-[0-9a-f]{{{DIGITS}}}")


class DamagedError(TerpError):
    """A set is not what it was when it was written."""


class Sealed(Model):
    """One object: the SHA-256 and the size of what is stored, which is encrypted."""

    sha256: Sha256
    size: int = Field(ge=1)


class Manifest(Model):
    """A recovery set.

    `created` is when gathering began: what came after it is not in the set. `revision` is the work tree's
    commit. `fingerprints` are those of the cluster's keys, by name. `etcd_revision` is the snapshot's.
    """

    format: Literal[1] = 1
    stack: str
    created: AwareDatetime
    layers: tuple[Layer, ...]
    revision: str
    recipients: tuple[str, ...] = Field(min_length=1)
    fingerprints: Mapping[str, Sha256] = {}
    etcd_revision: int | None = None
    objects: Mapping[str, Sealed]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A set that lacks something is none."""
        needed = {part.name for part in parts_of(self.layers)}
        if needed != self.objects.keys():
            missing, unknown = sorted(needed - self.objects.keys()), sorted(self.objects.keys() - needed)
            said = [
                f"{word} {', '.join(names)}"
                for word, names in (("lacks", missing), ("has also", unknown))
                if names
            ]
            raise ValueError(" and ".join(said))
        return self

    @property
    def content(self) -> bytes:
        """As it is stored."""
        return self.model_dump_json(indent=1).encode()

    @property
    def name(self) -> str:
        """When it was made, and its own digest."""
        return f"{self.created.astimezone(UTC):{TIME}}-{_digest(self.content)}"

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(each.size for each in self.objects.values())


def read_manifest(name: str, content: bytes) -> Manifest:
    """The manifest that is stored under a name.

    Raises:
        DamagedError: it is another than the one that was written under this name, or not whole.
    """
    if not NAME.fullmatch(name) or _digest(content) != name.rpartition("-")[2]:
        raise DamagedError(
            f"the manifest of set {name} was changed or cut off", hint="take another set: terp backup list"
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        said = "; ".join(str(each["msg"]) for each in error.errors(include_url=False, include_input=False))
        raise DamagedError(
            f"set {name}: {said}", hint="was it written by a later version of Terp?"
        ) from error


def created(name: str) -> datetime:
    """When the set of this name was made."""
    return datetime.strptime(name.partition("-")[0], TIME).replace(tzinfo=UTC)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
