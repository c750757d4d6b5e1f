"""Where tools lie: by the content of their files, with a record of what each is and where it came from.

store/<digest>/<files>            never changed; the digest is over names and contents
installed/<tool>/<fingerprint>    which digest a pin led to
views/<digest>/bin/<program>      links: what a set of tools puts on PATH
pulumi/plugins/...                links, in the layout in which Pulumi looks for providers
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from terp.model import Model
from terp.tools.versions import Sha256, Tool

Source = Literal["release", "build"]

SHORT = 16
"""Digits of a digest in a path."""


class StoredFile(Model):
    """A file as it was when it was stored."""

    name: str
    size: int
    modified: int
    """Nanoseconds since 1970."""
    sha256: Sha256


class Installed(Model):
    """A tool in the store."""

    name: str
    version: str
    source: Source
    digest: Sha256
    files: tuple[StoredFile, ...]
    seconds: float
    """How long it took to get."""
    work: float | None = None
    """CPU seconds of its build."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Store:
    """The tools under one directory."""

    root: Path

    @property
    def downloads(self) -> Path:
        """Release files by their checksums."""
        return self.root / "downloads"

    @property
    def temporary(self) -> Path:
        """What is not complete; nothing in it outlives a run."""
        return self.root / "temporary"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own directory, with the providers."""
        return self.root / "pulumi"

    def directory(self, installed: Installed) -> Path:
        """Where its files lie."""
        return self.root / "store" / installed.digest[:SHORT]

    def find(self, tool: Tool, on: str, *, read_files: bool = False) -> Installed | None:
        """The tool as it is pinned now, if it is there and unharmed.

        A file that looks as it did when it was stored is taken for the same; `read_files` reads it again.
        """
        for fingerprint in tool.fingerprints(on).values():
            try:
                found = Installed.model_validate_json(self._record(tool.name, fingerprint).read_bytes())
            except (FileNotFoundError, ValidationError):
                continue
            if self._unharmed(found, read_files=read_files):
                return found
        return None

    def _record(self, name: str, fingerprint: str) -> Path:
        return self.root / "installed" / name / f"{fingerprint}.json"

    def _unharmed(self, installed: Installed, *, read_files: bool) -> bool:
        for file in installed.files:
            path = self.directory(installed) / file.name
            try:
                seen = path.stat()
            except FileNotFoundError:
                return False
            same = (seen.st_size, seen.st_mtime_ns) == (file.size, file.modified)
            if (read_files or not same) and file_digest(path) != file.sha256:
                return False
        return True

    @contextmanager
    def scratch(self, parent: Path | None = None) -> Iterator[Path]:
        """A directory that is gone after the block; without a `parent` only for the one that installs."""
        parent = parent or self.temporary
        parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield place
        finally:
            remove_tree(place)

    def add(
        self,
        tool: Tool,
        source: Source,
        fingerprint: str,
        files: Path,
        *,
        seconds: float,
        work: float | None = None,
    ) -> Installed:
        """Keep a directory of executable files as what `fingerprint` led to; the directory is used up."""
        for file in files.iterdir():
            file.chmod(0o555)
        stored = _stored(files)
        content = "".join(f"{each.sha256}  {each.name}\n" for each in stored)
        digest = hashlib.sha256(content.encode()).hexdigest()
        place = self.root / "store" / digest[:SHORT]
        there = _stored(place) if place.exists() else ()
        if [(each.name, each.sha256) for each in there] == [(each.name, each.sha256) for each in stored]:
            stored = there
        else:
            if place.exists():  # harmed since
                place.rename(files.parent / "harmed")
            place.parent.mkdir(parents=True, exist_ok=True)
            files.rename(place)
        installed = Installed(
            name=tool.name,
            version=tool.version,
            source=source,
            digest=digest,
            files=stored,
            seconds=round(seconds, 1),
            work=work,
        )
        write_whole(self._record(tool.name, fingerprint), installed.model_dump_json(indent=1))
        return installed

    def view(self, tools: Iterable[tuple[Tool, Installed]]) -> Path:
        """A directory whose `bin` has the programs of all these tools; providers have a place of their own.

        Hard links: Pulumi takes a language host for its own only if it lies beside the real path of `pulumi`.
        """
        files = {
            file.name: self.directory(each) / file.name
            for tool, each in tools
            if not tool.plugin
            for file in each.files
        }
        content = "".join(f"{name} {file}\n" for name, file in sorted(files.items()))
        view = self.root / "views" / hashlib.sha256(content.encode()).hexdigest()[:SHORT]
        if not _shows(view / "bin", files):
            with self.scratch(view.parent) as scratch:
                if view.exists():  # its files have been replaced in the store since
                    view.rename(scratch / "before")
                new = scratch / "new"
                (new / "bin").mkdir(parents=True)
                for name, file in files.items():
                    (new / "bin" / name).hardlink_to(file)
                try:
                    new.rename(view)
                except OSError:  # another run was faster; the name says what is in it
                    if not view.exists():
                        raise
        return view

    def offer_plugin(self, tool: Tool, installed: Installed) -> None:
        """Put a provider where Pulumi finds it by itself: `plugins/resource-<name>-v<version>/<program>`."""
        place = self.pulumi_home / "plugins" / f"resource-{tool.plugin}-v{tool.version}"
        place.mkdir(parents=True, exist_ok=True)
        link = place / tool.name
        target = _relative(self.directory(installed) / tool.name, place)
        if not link.is_symlink() or link.readlink() != target:
            new = place / f".{tool.name}.{os.getpid()}"
            new.unlink(missing_ok=True)
            new.symlink_to(target)
            new.replace(link)

    def unused(self, tools: Iterable[Tool], on: str) -> list[Path]:
        """What no pin of these tools leads to: older versions, and what shows them."""
        found = [(tool, self.find(tool, on)) for tool in tools]
        current = {self.directory(each) for _, each in found if each}
        kept = {file.stat().st_ino for place in current for file in place.iterdir()}
        records = {
            self._record(tool.name, fingerprint)
            for tool, _ in found
            for fingerprint in tool.fingerprints(on).values()
        }
        stale = [each for each in (self.root / "store").glob("*") if each not in current]
        stale += [each for each in (self.root / "installed").glob("*/*.json") if each not in records]
        for shown in (
            *(self.root / "views").glob("*"),
            *(self.pulumi_home / "plugins").glob("resource-*-v*/"),
        ):
            files = [each for each in shown.rglob("*") if not each.is_dir()]
            if any(not each.exists() or each.stat().st_ino not in kept for each in files):
                stale.append(shown)
        return stale


def _stored(directory: Path) -> tuple[StoredFile, ...]:
    found = []
    for file in sorted(directory.iterdir()):
        seen = file.stat()
        found.append(
            StoredFile(name=file.name, size=seen.st_size, modified=seen.st_mtime_ns, sha256=file_digest(file))
        )
    return tuple(found)


def _shows(directory: Path, files: Mapping[str, Path]) -> bool:
    try:
        return all((directory / name).samefile(file) for name, file in files.items())
    except FileNotFoundError:
        return False


def _relative(target: Path, start: Path) -> Path:
    return Path(os.path.relpath(target, start))


def file_digest(path: Path) -> str:
    """The file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a file that is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)


def remove_tree(root: Path) -> None:
    """Remove a directory, also one that is not writable, as Go leaves its modules."""
    for directory, _, _ in os.walk(root):
        os.chmod(directory, 0o700)  # noqa: PTH101 - many thousands of them
    shutil.rmtree(root, ignore_errors=not root.exists())
