"""Builds from Go modules: a wrapper module pins what is built, go.sum verifies it, Go's cache resumes it."""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from terp.command import CommandError
from terp.progress import Task
from terp.tools.golang import Go
from terp.tools.versions import Build, Tool

LIMIT = 7200.0
"""Seconds for one step of a build."""
ATTEMPTS = 3
PAUSE = 15.0
"""Seconds before a step is tried again that the network has let down."""
NETWORK = re.compile(
    r"dial tcp|i/o timeout|connection (refused|reset)|no route to host|TLS handshake timeout"
    r"|unexpected EOF|network is unreachable|server misbehaving|: (429|50[0234]) "
)
COMPILED = 0.9
"""Share of a build's time after which only the linker is left."""

FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
"""The same for every step, or packages would be compiled twice."""


@dataclass
class Steps:
    """The steps of one build in its directory, and the CPU seconds of all of them."""

    go: Go
    directory: Path
    task: Task
    work: float = 0.0
    pause: float = PAUSE

    def run(self, arguments: Sequence[str], heard: Callable[[str], None]) -> str:
        """One step; again when the network let it down, from where it was.

        Raises:
            CommandError: it failed.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                said, work = self.go.run(arguments, self.directory, LIMIT, heard)
            except CommandError as error:
                if attempt == ATTEMPTS or error.code is None or not NETWORK.search(error.output):
                    raise
                self.task.update(f"the network failed; attempt {attempt + 1} of {ATTEMPTS} follows")
                self.go.running.over.wait(self.pause * attempt)
            else:
                self.work += work
                return said
        raise AssertionError("unreachable")

    def stale(self, packages: Sequence[str]) -> int:
        """How many packages are not compiled yet; to know, Go fetches the modules."""
        fetched = 0

        def heard(line: str) -> None:
            nonlocal fetched
            if line.startswith("go: downloading"):
                fetched += 1
                self.task.update(f"module {fetched}: {line.split()[-2]}")

        shown = "{{if .Stale}}{{.ImportPath}}{{end}}"
        said = self.run(("list", *FLAGS, "-deps", "-f", shown, *packages), heard)
        return sum(1 for line in said.splitlines() if line and not line.startswith("go: "))

    def compile(
        self, verb: str, packages: Sequence[str], *arguments: str, options: Sequence[str] = ()
    ) -> None:
        """Compile and link, and with the verb `run` run the program with the arguments."""
        todo = max(1, self.stale(packages))
        done = 0

        def heard(line: str) -> None:
            nonlocal done
            if line and not line.startswith(("#", "go: ", "\t", " ")):
                done += 1
                self.task.update(f"package {done} of {todo}", COMPILED * min(1.0, done / todo))

        parallel = str(os.cpu_count() or 1)
        self.run((verb, *FLAGS, "-v", "-p", parallel, *options, *packages, *arguments), heard)

    def module(self, path: str) -> Path:
        """Where a module's files lie."""
        said = self.run(("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path), lambda _: None)
        return Path(said.splitlines()[-1])


def build(tool: Tool, recipe: Build, go: Go, scratch: Path, task: Task) -> tuple[Path, float]:
    """Build the tool in a scratch directory: a directory with its files, and the CPU seconds it took.

    Raises:
        CommandError: Go failed; the error shows what it said.
    """
    source, files = scratch / "source", scratch / "files"
    shutil.copytree(tool.wrapper, source)
    files.mkdir()
    steps = Steps(go, source, task)
    if arguments := tool.generate():
        task.update("generates what the program embeds")
        steps.compile("run", ("./generate",), *arguments)
    settings = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in tool.variables().items())])
    several = len(recipe.packages) > 1
    target = f"{files}{os.sep}" if several else str(files / tool.name)
    steps.compile("build", recipe.packages, options=("-ldflags", settings, "-o", target))
    for module, paths in recipe.module_files.items():
        directory = steps.module(module)
        for path in paths:
            shutil.copyfile(directory / path, files / Path(path).name)
    return files, steps.work
