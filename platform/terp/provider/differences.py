"""What differs between two states, by property path: a pure function."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import JsonValue

Kind = Literal["add", "delete", "update"]
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def differences(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> dict[str, Kind]:
    """Every difference by its path, as deep as possible: `nodes[2].labels["example.org/gpu"]`.

    Paths are written as in pulumi/sdk/v3/go/common/resource/property_path.go.
    """
    return dict(_in_mapping("", old, new))


def _in_mapping(
    path: str, old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]
) -> Iterator[tuple[str, Kind]]:
    for name in sorted(old.keys() | new.keys()):
        there = _below(path, name)
        if name not in old:
            yield there, "add"
        elif name not in new:
            yield there, "delete"
        else:
            yield from _in_value(there, old[name], new[name])


def _in_value(path: str, old: JsonValue, new: JsonValue) -> Iterator[tuple[str, Kind]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _in_mapping(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_list(path, old, new)
    else:
        yield path, "update"


def _in_list(path: str, old: list[JsonValue], new: list[JsonValue]) -> Iterator[tuple[str, Kind]]:
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        yield from _in_value(f"{path}[{index}]", before, after)
    for index in range(len(old), len(new)):
        yield f"{path}[{index}]", "add"
    for index in range(len(new), len(old)):
        yield f"{path}[{index}]", "delete"


def _below(path: str, name: str) -> str:
    if not PLAIN.fullmatch(name):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name
