"""The `kustomize` program."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from terp.command import Command
from terp.gitops.argo import KustomizePatch

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Kustomize:
    """Builds kustomizations, and nothing else."""

    def __init__(self, program: Path) -> None:
        self._command = Command((str(program),), timeout=300)

    def build(self, folder: Path, patches: Sequence[KustomizePatch]) -> str:
        """As Argo CD 3.5 does it (util/kustomize/kustomize.go): its patches come after those in the file.

        Raises:
            CommandError: it is no kustomization, or has no such base.
        """
        with _patched(folder, patches):
            return self._command.output("build", folder)


def kustomization(folder: Path) -> Path | None:
    """The file that makes a folder one."""
    return next((file for name in NAMES if (file := folder / name).exists()), None)


@contextmanager
def _patched(folder: Path, patches: Sequence[KustomizePatch]) -> Iterator[None]:
    file = kustomization(folder)
    if not file or not patches:
        yield
        return
    before = file.read_text()
    content = yaml.safe_load(before)
    ours = [each.model_dump(mode="json", exclude_none=True) for each in patches]
    file.write_text(yaml.safe_dump({**content, "patches": [*content.get("patches", []), *ours]}))
    try:
        yield
    finally:
        file.write_text(before)
