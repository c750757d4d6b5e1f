"""Where the platform's components are declared, and their names: those of the folders."""

from functools import cache
from pathlib import Path

from terp.paths import PROJECT

FOLDERS = ("charts", "kustomize")
FILE = "component.yaml"


def component_files(root: Path = PROJECT) -> dict[str, Path]:
    """The declaration of every component of a work tree, by its name."""
    return {file.parent.name: file for folder in FOLDERS for file in sorted(root.glob(f"{folder}/*/{FILE}"))}


@cache
def known_components() -> frozenset[str]:
    """Every component that `platform.components` can switch."""
    return frozenset(component_files())
