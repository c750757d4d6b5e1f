"""Where the platform's components are declared, and their names: those of the folders."""

from functools import cache
from pathlib import Path

import yaml

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


@cache
def known_namespaces() -> frozenset[str]:
    """Every namespace that a component lives in, or makes objects in."""
    files = component_files().values()
    declared = [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in files]
    return frozenset(name for each in declared for name in (each["namespace"], *each.get("namespaces", ())))
