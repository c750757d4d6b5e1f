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
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from terp.model import Model
from terp.tools.versions import Sha256, Tool

Source = Literal["release", "build"]


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


class Store:
    """The tools under one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.downloads = root / "downloads"
        self.temporary = root / "temporary"
        self.pulumi_home = root / "pulumi"

    def directory(self, installed: Installed) -> Path:
        """Where its files lie."""
        return self.root / "store" / installed.digest

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
    def scratch(self) -> Iterator[Path]:
        """A directory that is gone after the block."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=self.temporary))
        try:
            yield place
        finally:
            remove_tree(place)

    def add(
        self, tool: Tool, on: str, source: Source, files: Path, seconds: float, work: float | None = None
    ) -> Installed:
        """Keep a directory of executable files as the tool; the directory is used up."""
        stored = []
        for file in sorted(files.iterdir()):
            file.chmod(0o555)
            seen = file.stat()
            stored.append(
                StoredFile(
                    name=file.name, size=seen.st_size, modified=seen.st_mtime_ns, sha256=file_digest(file)
                )
            )
        content = "".join(f"{each.sha256}  {each.name}\n" for each in stored)
        installed = Installed(
            name=tool.name,
            version=tool.version,
            source=source,
            digest=hashlib.sha256(content.encode()).hexdigest(),
            files=tuple(stored),
            seconds=round(seconds, 1),
            work=work,
        )
        place = self.directory(installed)
        if place.exists():
            place.rename(self.temporary / f"{place.name}.{time.time_ns()}")  # the same once, harmed since
        place.parent.mkdir(parents=True, exist_ok=True)
        files.rename(place)
        write_whole(
            self._record(tool.name, tool.fingerprints(on)[source]), installed.model_dump_json(indent=1)
        )
        return installed

    def view(self, tools: Iterable[Installed]) -> Path:
        """A directory whose `bin` has the programs of all these tools and nothing else."""
        links = {file.name: self.directory(each) / file.name for each in tools for file in each.files}
        content = "".join(f"{name} {target}\n" for name, target in sorted(links.items()))
        view = self.root / "views" / hashlib.sha256(content.encode()).hexdigest()[:16]
        if not view.exists():
            with self.scratch() as scratch:
                (scratch / "bin").mkdir()
                for name, target in links.items():
                    (scratch / "bin" / name).symlink_to(_relative(target, view / "bin"))
                scratch.chmod(0o755)
                view.parent.mkdir(parents=True, exist_ok=True)
                try:
                    scratch.rename(view)
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
        """What no pin of these tools leads to: older versions, and views of them."""
        found = [(tool, self.find(tool, on)) for tool in tools]
        current = {each.digest for _, each in found if each}
        records = {
            self._record(tool.name, fingerprint)
            for tool, _ in found
            for fingerprint in tool.fingerprints(on).values()
        }
        stale = [each for each in (self.root / "store").glob("*") if each.name not in current]
        stale += [each for each in (self.root / "installed").glob("*/*.json") if each not in records]
        stale += [
            view
            for view in (self.root / "views").glob("*")
            if any(link.readlink().parent.name not in current for link in (view / "bin").iterdir())
        ]
        plugins = (self.pulumi_home / "plugins").glob("resource-*/pulumi-resource-*")
        stale += [
            each.parent
            for each in plugins
            if each.is_symlink() and each.readlink().parent.name not in current
        ]
        return stale


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
