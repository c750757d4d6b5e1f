"""A mirror's folder, filled with what the nodes of an environment fetch, whatever is there already.

Everything comes from upstream where upstream answers, verified. What is a Go program is built from Go modules
where it does not; what somebody puts into its place counts as well. Builds take long, so there are none
before all the rest is there. `own.sha256` lists files that are not upstream's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from terp.errors import TerpError
from terp.kubernetes.kubespray.downloads import Chart, Downloads, File
from terp.kubernetes.mirror import charts
from terp.kubernetes.mirror.images import Images
from terp.kubernetes.mirror.layout import OWN, ImageName, place, read_sums, write_sums
from terp.kubernetes.mirror.recipes import RECIPES, why_no_image, why_not
from terp.kubernetes.mirror.upstream import Upstream
from terp.model import Model
from terp.progress import Progress, Task
from terp.tools import Toolchain
from terp.tools.download import RefusedError
from terp.tools.store import file_digest, remove_tree, write_whole
from terp.virtualenv import alone

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SHA256 = "sha256:"
LATER = "it is built when nothing is missing"
SCRATCH = ".scratch"
"""In the folder, so that what came whole is moved and not copied."""

Source = Literal["upstream", "own", "unbuilt", "missing"]
Make = Callable[[], None]


class Entry(Model):
    """A file, image or chart that nodes fetch: where it comes from, or why it is missing."""

    name: str
    url: str
    place: str
    source: Source
    why: str = ""


class Report(Model):
    """What a mirror has of what nodes fetch."""

    folder: Path
    entries: tuple[Entry, ...]

    def of(self, source: Source) -> tuple[Entry, ...]:
        """The entries from one source."""
        return tuple(entry for entry in self.entries if entry.source == source)


@dataclass(frozen=True)
class Builds:
    """What is built here when it is first needed."""

    pinned: Mapping[str, str]
    """The versions, by tool."""
    toolchain: Callable[[], Toolchain]
    images: Callable[[], Path]
    """A folder with archives of images, one for each, as `terp.kubernetes.embedded.bundle` makes it."""


class Mirror:
    """The mirror in a folder, for hosts of one machine architecture (`x86_64`)."""

    def __init__(
        self, root: Path, machine: str, builds: Builds, progress: Progress, upstream: Upstream | None = None
    ) -> None:
        self.root = root
        self._machine = machine
        self._architecture = ARCHITECTURES[machine]
        self._builds = builds
        self._progress = progress
        self._images = Images(root)
        self._upstream = upstream or Upstream(root / SCRATCH, self._architecture)
        self._pinned = builds.pinned

    def fill(self, wanted: Downloads, archives: Iterable[Path] = ()) -> Report:
        """Fetch or build what is missing, and say what could not be had.

        `archives` (`docker save`) are images that somebody brings.

        Raises:
            TerpError: two images would have one place, or an archive is none.
        """
        names = [ImageName.read(each) for each in wanted.images]
        check_places(names)
        self.root.mkdir(parents=True, exist_ok=True)
        with alone(self.root / ".lock", lambda _: None):
            for archive in archives:
                self._images.add(archive)
            try:
                fetched = [
                    *(self._file(file) for file in wanted.files),
                    *(self._image(name) for name in names),
                    *(self._chart(chart) for chart in wanted.charts),
                ]
                complete = not any(entry.source == "missing" for entry, _ in fetched)
                entries = [self._built(*each) if complete else each[0] for each in fetched]
                self._list_own(entries)
            finally:
                remove_tree(self.root / SCRATCH)
        return Report(folder=self.root, entries=tuple(entries))

    def _file(self, file: File) -> tuple[Entry, Make]:
        path = place(file.url)
        entry = Entry(name=file.name, url=file.url, place=str(path), source="upstream")
        target, sha256 = self.root / path, (file.checksum or "").removeprefix(SHA256)
        if target.exists():
            own = file_digest(target) != sha256
            return entry.model_copy(update={"source": "own"}) if own else entry, nothing
        recipe = RECIPES.get(file.name)

        def fetch(task: Task) -> None:
            if not sha256:
                raise RefusedError("the release has no checksum of this version")
            self._upstream.file(file.url, sha256, target, task)

        def build() -> None:
            if recipe:
                recipe.make(target, self._toolchain, self._architecture)

        return self._had(entry, fetch, why_not(file.name, path, self._pinned, self._architecture), build)

    def _image(self, name: ImageName) -> tuple[Entry, Make]:
        entry = Entry(name=str(name), url=str(name), place=str(name.manifest), source="upstream")
        if source := self._images.find(name):
            return entry.model_copy(update={"source": source}), nothing
        return self._had(
            entry,
            lambda task: self._upstream.image(name, self._images, task),
            why_no_image(name, self._pinned),
            lambda: self._add_built(name),
        )

    def _chart(self, chart: Chart) -> tuple[Entry, Make]:
        path = place(chart.repository)
        entry = Entry(name=chart.name, url=chart.repository, place=str(path), source="upstream")
        if charts.there(chart, self.root):
            return entry, nothing
        return self._had(
            entry,
            lambda task: charts.fetch(chart, self.root, self._upstream, task),
            "nothing here builds charts",
            nothing,
        )

    def _had(self, entry: Entry, fetch: Callable[[Task], None], why: str, build: Make) -> tuple[Entry, Make]:
        """The entry after it was fetched, or what would build it if there is no reason `why` not."""
        try:
            with self._progress.task(f"fetch {entry.name}") as task:
                fetch(task)
        except RefusedError as error:
            refused = {"source": "missing" if why else "unbuilt", "why": f"{error.message}; {why or LATER}"}
            return entry.model_copy(update=refused), build
        return entry, nothing

    def _built(self, entry: Entry, build: Make) -> Entry:
        if entry.source != "unbuilt":
            return entry
        with self._progress.task(f"build {entry.name}"):
            build()
        return entry.model_copy(update={"source": "own", "why": ""})

    def _add_built(self, name: ImageName) -> None:
        for archive in sorted(self._archives.glob("*.tar")):
            if archive.name == f"{name.path.replace('/', '-')}-{name.tag}.tar":
                self._images.add(archive)
        if not self._images.find(name):
            raise TerpError(f"{name} is not among the images in {self._archives}")

    @cached_property
    def _toolchain(self) -> Toolchain:
        return self._builds.toolchain()

    @cached_property
    def _archives(self) -> Path:
        return self._builds.images()

    def _list_own(self, entries: Iterable[Entry]) -> None:
        """Files that are not upstream's, those of other environments too."""
        file = self.root / OWN
        listed = read_sums(file.read_text()) if file.exists() else {}
        kept = {path: sha256 for path, sha256 in listed.items() if (self.root / path).exists()}
        seen = {entry.place: entry.source for entry in entries}
        for path, source in seen.items():
            kept.pop(path, None)
            if source == "own" and (self.root / path).is_file() and not path.startswith("v2/"):
                kept[path] = file_digest(self.root / path)
        write_whole(file, write_sums(kept))


def nothing() -> None:
    """What is left to do for what is there."""


def check_places(names: Iterable[ImageName]) -> None:
    """Refuse images of two registries that would have one place.

    Raises:
        TerpError: there are such.
    """
    known: dict[str, ImageName] = {}
    for name in names:
        other = known.setdefault(str(name.manifest), name)
        if other != name:
            raise TerpError(f"{other} and {name} would have one place in a mirror", exit_code=2)
