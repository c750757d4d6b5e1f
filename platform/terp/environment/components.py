"""Names of the platform's components: the folders that hold their declarations."""

from functools import cache

from terp.paths import PROJECT


@cache
def known_components() -> frozenset[str]:
    """Every component that `platform.components` can switch."""
    return frozenset(
        file.parent.name
        for folder in ("charts", "kustomize")
        for file in PROJECT.glob(f"{folder}/*/component.yaml")
    )
