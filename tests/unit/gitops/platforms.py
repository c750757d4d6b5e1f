"""Platforms that tests are about."""

from typing import Any

from terp.environment.platform import Platform


def platform(**keys: Any) -> Platform:
    """A platform with these keys beside the ones that must be given."""
    git = {"repository": "https://git.example.org/terp.git"}
    return Platform.model_validate({"domain": "ml.example.org", "git": git, **keys})
