"""The JSON Schema of an environment, and what it says of each key."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from terp.environment.environment import Environment
from terp.environment.fields import FORMS
from terp.environment.findings import Key

Node = Mapping[str, Any]
"""A part of a JSON Schema; its values are what JSON holds."""
ADDRESSES = {
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "ipv4network": "an IPv4 network (CIDR)",
    "ipv6network": "an IPv6 network (CIDR)",
}


@cache
def schema() -> Node:
    """The schema of what stands under `terp:environment`."""
    return Environment.model_json_schema()


def root() -> Node:
    """The node of the environment itself."""
    return schema()


def resolved(node: Node) -> Node:
    """The node without references and without the `null` of what may be absent."""
    if "$ref" in node:
        return {**schema()["$defs"][node["$ref"].rpartition("/")[2]], **_own(node, "$ref")}
    choices = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1:
        return {**resolved(choices[0]), **_own(node, "anyOf")}
    return {**node, "anyOf": choices} if choices else node


def _own(node: Node, without: str) -> Node:
    return {name: value for name, value in node.items() if name != without}


def member(node: Node, step: str | int) -> Node | None:
    """What the schema says of a member of a mapping or a list."""
    if isinstance(step, int) or (step == "*" and "items" in node):
        found = node.get("items")
    elif step in node.get("properties", {}):
        found = node["properties"][step]
    else:
        found = named(node)
    return None if found is None else resolved(found)


def named(node: Node) -> Node | None:
    """What each member of a mapping with free names is."""
    for found in (*node.get("patternProperties", {}).values(), node.get("additionalProperties")):
        if isinstance(found, Mapping):
            return cast("Node", found)
    return None


def at(key: Key) -> Node | None:
    """What the schema says of a key, if there may be such a key."""
    node: Node | None = root()
    for step in key:
        node = None if node is None else member(node, step)
    return node


def kind(node: Node) -> str:
    """In words what a value must be: `a whole number from 1280 to 9216`."""
    if choices := node.get("anyOf"):
        return " or ".join(kind(resolved(each)) for each in choices)
    if options := node.get("enum"):
        return _or([f'"{each}"' if isinstance(each, str) else str(each) for each in options])
    match node.get("type"):
        case "integer":
            return f"a whole number{_bounds(node)}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list; each {kind(resolved(node['items']))}"
        case "object" if "properties" in node:
            return f"a mapping with {', '.join(node.get('required', node['properties']))}"
        case "object":
            inner = kind(resolved(named(node) or {}))
            return f"a mapping from names to {'' if inner.startswith('a ') else 'values: '}{inner}"
        case None if "format" not in node:
            return "any value"
        case _:
            return _text(node)


def _text(node: Node) -> str:
    if "format" in node:
        return ADDRESSES[node["format"]]
    form = FORMS.get(node.get("pattern", ""), "text")
    if "maxLength" not in node:
        return form
    least = f"{node['minLength']} to" if "minLength" in node else "at most"
    return f"{form} of {least} {node['maxLength']} characters"


def name_kind(node: Node) -> str:
    """In words what the names in a mapping must be."""
    pattern = next(iter(node.get("patternProperties", {})), None)
    if not pattern:
        return "a whole number"
    return _text({"pattern": pattern, **node.get("propertyNames", {})})


def _bounds(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""


def _or(options: list[str]) -> str:
    *others, last = options
    return f"{', '.join(others)} or {last}" if others else last


def every_key(node: Node | None = None, key: Key = ()) -> Iterator[tuple[Key, Node]]:
    """Every key that there may be, top down; `*` stands for a name or a place in a list."""
    here = root() if node is None else node
    for name, each in here.get("properties", {}).items():
        inner = resolved(each)
        yield (*key, name), inner
        yield from every_key(inner, (*key, name))
    free = named(here) or here.get("items")  # neither of what may be any value
    if free:
        yield from every_key(resolved(free), (*key, "*"))
