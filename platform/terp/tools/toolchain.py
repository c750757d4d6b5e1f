"""From pins to programs: install what is missing, and say where it is."""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from terp.beside import ended_by, pause, workers
from terp.errors import TerpError
from terp.paths import cache_dir
from terp.tools.golang import Go, Running, find_go
from terp.tools.store import Installed, Store, remove_tree
from terp.tools.versions import Build, Tool, Versions, read_versions, this_platform

if TYPE_CHECKING:
    from terp.progress import Progress, Task
    from terp.tools.download import Downloads

DOWNLOADS = 4
"""Release files that are fetched at once."""
CORES_PER_BUILD = 4
"""Go uses all cores for one build most of the time."""
PATIENCE = 10_800.0
"""Seconds to wait for another run that installs tools: longer than all builds take."""
GIB = 1 << 30
PULUMI = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
}
"""Pulumi asks no network, and takes no provider but the pinned ones."""


@dataclass(frozen=True)
class Toolchain:
    """Tools that are installed."""

    tools: tuple[Installed, ...]
    store: Store
    view: Path

    @property
    def bin(self) -> Path:
        """The directory of their programs."""
        return self.view / "bin"

    def path(self, program: str) -> Path:
        """Where one program is.

        Raises:
            TerpError: it does not belong to these tools.
        """
        places = {
            file.name: self.store.directory(tool) / file.name for tool in self.tools for file in tool.files
        }
        if program not in places:
            there = ", ".join(sorted(places))
            raise TerpError(f"no program {program!r} among these tools", hint=f"there are: {there}")
        linked = self.bin / program
        return linked if linked.exists() else places[program]

    def env(self) -> dict[str, str]:
        """What to add to the environment of a program that uses these tools: PATH, and Pulumi's settings."""
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"PATH": path, "PULUMI_HOME": str(self.store.pulumi_home), **PULUMI}


def tools_dir() -> Path:
    """Where tools lie."""
    return cache_dir() / "tools"


def installed(wanted: str | Iterable[str]) -> Toolchain | None:
    """The tools if all of them are there: as `sync`, but nothing is installed."""
    versions = read_versions()
    store, on = Store(tools_dir()), this_platform()
    return _toolchain(store, versions.select(_names(wanted)), on, read_files=False)


def sync(
    wanted: str | Iterable[str],
    progress: "Progress",
    *,
    read_files: bool = False,
    versions: Versions | None = None,
) -> Toolchain:
    """Install what is missing of tools, named by themselves or by purposes, and return all of them.

    `read_files` checks every file that is there against its checksum.

    Raises:
        TerpError: a tool could not be had from any source; the others are installed all the same.
    """
    versions = versions or read_versions()
    tools = versions.select(_names(wanted))
    store, on = Store(tools_dir()), this_platform()
    if found := _toolchain(store, tools, on, read_files=read_files):
        return found
    with progress.task("tools") as task, alone(store.root, task.update):
        missing = [tool for tool in tools if not store.find(tool, on, read_files=read_files)]
        for leftover in store.temporary.glob("*"):
            remove_tree(leftover)
        Installation(versions, store, on, progress, task).install(missing)
    if found := _toolchain(store, tools, on, read_files=False):
        return found
    raise AssertionError("installed and not there")


def _names(wanted: str | Iterable[str]) -> Iterable[str]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _toolchain(store: Store, tools: Sequence[Tool], on: str, *, read_files: bool) -> Toolchain | None:
    found = []
    for tool in tools:
        each = store.find(tool, on, read_files=read_files)
        if not each:
            return None
        found.append((tool, each))
    for tool, each in found:
        if tool.plugin:
            store.offer_plugin(tool, each)
    return Toolchain(tuple(each for _, each in found), store, store.view(found))


@contextmanager
def alone(root: Path, say: Callable[[str], None], patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one that changes the tools; the kernel frees the lock of a run that was killed.

    Raises:
        TerpError: another run did not end for `patience` seconds.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("a+") as lock:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                lock.seek(0)
                other = lock.read().strip() or "?"
            if time.monotonic() >= end:
                raise TerpError(
                    f"another run (process {other}) has been changing the tools for {patience:.0f} s",
                    hint="wait for it, or end it; what it has compiled is not lost",
                )
            say(f"waits for another run (process {other}) that changes the tools")
            pause(min(0.5, patience))
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@dataclass
class Installation:
    """One run that installs tools: downloads side by side, builds in the order of need."""

    versions: Versions
    store: Store
    on: str
    progress: "Progress"
    whole: "Task"

    def __post_init__(self) -> None:
        self._running = Running()
        self._go: Go | None = None
        self._lock = threading.Lock()
        self._wanted: Sequence[Tool] = ()
        self._there: list[Tool] = []

    def install(self, tools: Sequence[Tool]) -> None:
        """Install them all; the error names those that failed.

        Raises:
            TerpError: some could not be had.
        """
        from terp.tools.download import Downloads  # 0.1 s that a run with nothing to do saves

        self._wanted = tools
        downloads = Downloads(self.store.downloads)
        fetchers = workers(DOWNLOADS)
        builders = workers(max(1, (os.cpu_count() or 1) // CORES_PER_BUILD))

        def end() -> None:
            downloads.over.set()
            self._running.end()

        try:
            with ended_by(end):
                refusals = list(fetchers.map(lambda tool: self._download(tool, downloads), tools))
                refused = [(tool, refusal) for tool, refusal in zip(tools, refusals, strict=True) if refusal]
                errors = {tool.name: refusal for tool, refusal in refused if not tool.build}
                recipes = [(tool, tool.build) for tool, _ in refused if tool.build]
                self._need_space([recipe for _, recipe in recipes])
                building = [(tool, builders.submit(self._build, tool, recipe)) for tool, recipe in recipes]
                for tool, future in building:
                    try:
                        future.result()
                    except TerpError as error:
                        errors[tool.name] = error
        except BaseException:
            end()
            raise
        finally:
            fetchers.shutdown(cancel_futures=True)
            builders.shutdown(cancel_futures=True)
        _report(errors)

    def _download(self, tool: Tool, downloads: "Downloads") -> TerpError | None:
        """Install from the release; why not, if not."""
        from terp.tools.download import RefusedError, unpack

        wanted = tool.download(self.on)
        if not wanted:
            return RefusedError(f"no release of {tool.name} {tool.version} for {self.on} is pinned")
        start, fingerprint = time.monotonic(), tool.fingerprints(self.on)["release"]
        try:
            with self.progress.task(f"download {_short(tool)}") as task, self.store.scratch() as scratch:
                try:
                    archive = downloads.fetch(wanted, task)
                except RefusedError as refusal:
                    instead = "; it is built instead" if tool.build else ""
                    raise RefusedError(f"{refusal.message}{instead}") from refusal
                files = scratch / "files"
                files.mkdir()
                unpack(archive, wanted, files)
                seconds = time.monotonic() - start
                self.store.add(tool, "release", fingerprint, files, seconds=seconds)
        except RefusedError as refusal:
            return refusal
        self._have(tool)
        return None

    def _build(self, tool: Tool, recipe: Build) -> None:
        from terp.tools.build import build

        start, fingerprint = time.monotonic(), tool.fingerprints(self.on)["build"]
        expected = 1.3 * recipe.work / (os.cpu_count() or 1)
        with (
            self.progress.task(f"build {_short(tool)}", expected=expected) as task,
            self.store.scratch() as scratch,
        ):
            files, work = build(tool, recipe, self._toolchain(task), scratch, task)
            seconds = time.monotonic() - start
            self.store.add(tool, "build", fingerprint, files, seconds=seconds, work=round(work, 1))
        self._have(tool)

    def _have(self, tool: Tool) -> None:
        """Tell how far the whole is."""
        with self._lock:
            self._there.append(tool)
            share = sum(map(_work, self._there)) / sum(map(_work, self._wanted))
            self.whole.update(f"{len(self._there)} of {len(self._wanted)} installed", share)

    def _toolchain(self, task: "Task") -> Go:
        with self._lock:
            if self._go is None:
                self._go = find_go(
                    self.versions.go, self.on, self.store.temporary, self._running, task.update
                )
            return self._go

    def _need_space(self, recipes: Sequence[Build]) -> None:
        """Refuse before anything is compiled rather than fail half an hour later."""
        needed = sum(recipe.disk for recipe in recipes)
        free = shutil.disk_usage(self.store.root).free / GIB
        if free < needed:
            raise TerpError(
                f"{free:.0f} GiB are free in {self.store.root}; "
                f"building what is missing takes up to {needed} GiB",
                hint="free some (terp tools prune), or set TERP_CACHE to a directory with more",
            )


def _work(tool: Tool) -> int:
    return tool.build.work if tool.build else 1


def _short(tool: Tool) -> str:
    return tool.name.removeprefix("pulumi-resource-").removeprefix("pulumi-language-")


def _report(errors: dict[str, TerpError]) -> None:
    if len(errors) == 1:
        raise next(iter(errors.values()))
    if errors:
        said = "\n".join(f"{name}: {error.message}" for name, error in errors.items())
        raise TerpError(f"{len(errors)} tools could not be installed\n{said}")
