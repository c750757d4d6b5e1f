"""The machine's own distribution: its release, its package sources, what every machine of it has."""

import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from terp.command import Command
from terp.errors import TerpError
from terp.model import Model

STATUS = Path("/var/lib/dpkg/status")
SUPPORTED = ("debian", "ubuntu")
POCKETS = ("", "-updates", "-security")
"""Suites of a release: what it was published with, and what was repaired since."""


class Source(Model):
    """One line of sources.list(5)."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    def line(self, keys: Path) -> str:
        """In one-line form; a key that is written out in the source goes to a file in `keys`."""
        option = self.signed_by
        if "\n" in option:
            key = keys / f"{self.suite}.asc"
            key.write_text(option)
            option = str(key)
        signed = f" [signed-by={option}]" if option else ""
        return f"deb{signed} {self.uri} {self.suite} {' '.join(self.components)}"


class Distribution(Model):
    """A release of Debian or Ubuntu on one architecture."""

    name: str
    codename: str
    architecture: str
    sources: tuple[Source, ...]


def distribution() -> Distribution:
    """The machine's own.

    Raises:
        TerpError: it is neither Debian nor Ubuntu, or has no package sources of its release.
    """
    release = platform.freedesktop_os_release()
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    if not family.intersection(SUPPORTED) or not codename or not shutil.which("apt-get"):
        raise TerpError(
            f"the embedded cloud needs Debian or Ubuntu, this is {release.get('PRETTY_NAME', 'unknown')}",
            hint="use a cloud of your own instead",
        )
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.[ls]*"))]
    found = [source for file in files if file.exists() for source in read_sources(file)]
    own = tuple(dict.fromkeys(of_release(found, codename)))
    if not own:
        raise TerpError(
            f"apt has no package sources of {codename} on this machine", hint="see sources.list(5)"
        )
    return Distribution(
        name=release["ID"],
        codename=codename,
        architecture=Command(("dpkg",)).output("--print-architecture"),
        sources=own,
    )


def read_sources(file: Path) -> list[Source]:
    """The binary package sources of one file, in either of its forms (by its ending)."""
    text = file.read_text()
    return list(_deb822(text) if file.suffix == ".sources" else _one_line(text))


def of_release(sources: Iterable[Source], codename: str) -> Iterator[Source]:
    """Those of the distribution itself, without backports and other vendors."""
    suites = {codename + pocket for pocket in POCKETS}
    for source in sources:
        if source.suite in suites and "main" in source.components:
            kept = tuple(name for name in source.components if name in ("main", "universe"))
            yield source.model_copy(update={"components": kept})


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Paragraphs of deb822(5) text; continued lines keep their line breaks."""
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        last = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in " \t" and last:
                fields[last] += "\n" + ("" if line.strip() == "." else line[1:])
            elif ":" in line:
                last, _, value = line.partition(":")
                last = last.lower()
                fields[last] = value.strip()
        if fields:
            yield fields


def _deb822(text: str) -> Iterator[Source]:
    for fields in stanzas(text):
        if fields.get("enabled", "yes") == "no" or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(
                    uri=uri,
                    suite=suite,
                    components=tuple(fields.get("components", "").split()),
                    signed_by=fields.get("signed-by", "").lstrip("\n"),
                )


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>[^#]+)", line.strip())
        if not found:
            continue
        options = dict(pair.split("=", 1) for pair in (found["options"] or "").split() if "=" in pair)
        uri, suite, *components = found["rest"].split()
        yield Source(
            uri=uri, suite=suite, components=tuple(components), signed_by=options.get("signed-by", "")
        )


def essential(status: str) -> str:
    """The part of a dpkg status file that every machine of the distribution has.

    That is the essential packages and what they depend on. Against it apt's answer does not depend on what
    else is installed here.
    """
    installed = {
        fields["package"]: block
        for block in status.split("\n\n")
        for fields in stanzas(block)
        if fields.get("status", "").endswith(" installed")
    }
    fields_of = {name: next(stanzas(block)) for name, block in installed.items()}
    providers: dict[str, list[str]] = {}
    for name, fields in fields_of.items():
        for provided in _names(fields.get("provides", "")):
            providers.setdefault(provided, []).append(name)
    todo = [name for name, fields in fields_of.items() if fields.get("essential") == "yes"]
    kept: set[str] = set()
    while todo:
        name = todo.pop()
        if name in kept:
            continue
        kept.add(name)
        needs = ", ".join(fields_of[name].get(kind, "") for kind in ("depends", "pre-depends"))
        for need in _names(needs):
            todo += [need] if need in installed else providers.get(need, [])
    return "\n\n".join(installed[name].strip("\n") for name in sorted(kept)) + "\n"


def _names(relation: str) -> list[str]:
    """Every package named by a dependency field, alternatives included."""
    return [re.split(r"[\s:(\[]", part.strip())[0] for part in re.split(r"[,|]", relation) if part.strip()]
