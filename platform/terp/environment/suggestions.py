"""What a wrong value was probably meant to be: the nearest right one, in words."""

import difflib
import ipaddress
import json
import math
import re
from collections.abc import Sequence

from terp.environment import schema
from terp.environment.fields import PERCENT, TAG, VERSION
from terp.environment.findings import NEAR, nearest

LONGEST = 60
"""Characters of a value that are shown."""
TAINT = re.compile(r"(?P<key>[^=:\s]+)(=(?P<value>[^:\s]*))?:(?P<effect>\w+)")
"""As kubectl takes it."""


def suggestion(value: object, node: schema.Node, text: str | None) -> str:
    """Words for a value that is not what the schema's node says; `text` is how it stands in the file."""
    guesses = (
        _option,
        _number,
        _network,
        _address,
        _list,
        _taint,
        _mapping,
        _version,
        _percent,
        _quotes,
        _pattern,
        _example,
    )
    return next((said for guess in guesses if (said := guess(value, node, text))), "")


def shown(value: object, text: str | None = None) -> str:
    """The value as a person would write it; of what is long its beginning."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return "a list"
    return text if text is not None and not isinstance(value, str | list) else _json(value)


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _choices(node: schema.Node) -> Sequence[schema.Node]:
    return [schema.resolved(each) for each in node.get("anyOf", [node])]


def _formats(node: schema.Node) -> set[str]:
    return {each.get("format", "") for each in _choices(node)}


def _finite(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None  # type: ignore[arg-type, return-value]


def _option(value: object, node: schema.Node, _: str | None) -> str:
    options = [each for part in _choices(node) for each in part.get("enum", ())]
    numbers = [each for each in options if isinstance(each, int)]
    number = _finite(value)
    if number is not None and numbers:
        return f"nearest: {min(numbers, key=lambda each: (abs(each - number), -each))}"
    near = nearest(value, [str(each) for each in options]) if isinstance(value, str) else None
    return f'did you mean "{near}"?' if near else ""


def _number(value: object, node: schema.Node, _: str | None) -> str:
    if node.get("type") != "integer":
        return ""
    if isinstance(value, str) and (digits := re.match(r"\d{1,9}", value)):
        return f"the number alone: {digits[0]}"
    number = _finite(value)
    if number is None:
        return ""
    return f"nearest: {round(min(max(number, node.get('minimum', number)), node.get('maximum', number)))}"


def _network(value: object, node: schema.Node, _: str | None) -> str:
    if not (isinstance(value, str) and _formats(node) & {"ipv4network", "ipv6network"}):
        return ""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return ""
    return f'its network is "{network}"; did you mean that?'


def _address(value: object, node: schema.Node, _: str | None) -> str:
    if isinstance(value, str) and _formats(node) & {"ipv4", "ipv6"} and "/" in value:
        return f"without the prefix: {value.partition('/')[0]}"
    return ""


def _list(value: object, node: schema.Node, text: str | None) -> str:
    if node.get("type") == "array" and isinstance(value, str | int | float):
        return f"as a list: [{text or value}]"
    return ""


def _taint(value: object, node: schema.Node, _: str | None) -> str:
    found = (
        TAINT.fullmatch(value) if isinstance(value, str) and "effect" in node.get("properties", {}) else None
    )
    if not found:
        return ""
    parts = ", ".join(f"{name}: {_json(part)}" for name, part in found.groupdict().items() if part)
    return f"as a mapping: {{ {parts} }}"


def _mapping(value: object, node: schema.Node, text: str | None) -> str:
    if node.get("type") != "object":
        return ""
    if isinstance(value, list):
        return "without the dashes: each name with a colon, what belongs to it below and indented"
    required = node.get("required", ())
    return f"below it and indented, for example {required[0]}: {shown(value, text)}" if required else ""


def _version(value: object, node: schema.Node, text: str | None) -> str:
    """With or without the "v", and all three numbers."""
    if node.get("pattern") not in {VERSION, TAG}:
        return ""
    bare = str(text or value).strip().removeprefix("v")
    better = bare if node["pattern"] == VERSION else f"v{bare}"
    if re.fullmatch(node["pattern"], better):
        return f'did you mean "{better}"?'
    return f"in full, for example {shown(node['examples'][0])}"


def _percent(value: object, node: schema.Node, _: str | None) -> str:
    number = _finite(value)
    if node.get("pattern") != PERCENT or number is None:
        return ""
    return f'did you mean "{round(min(max(number, 1), 100))}%"?'


def _quotes(value: object, node: schema.Node, text: str | None) -> str:
    is_text = node.get("type") == "string" and "format" not in node
    return f'text needs quotes here: "{text or value}"' if is_text and isinstance(value, int | float) else ""


def _pattern(value: object, node: schema.Node, _: str | None) -> str:
    if not (isinstance(value, str) and "pattern" in node):
        return ""
    better = re.sub(r"[^a-z0-9./]+", "-", value.strip().lower()).strip("-")
    alike = difflib.SequenceMatcher(None, value.lower(), better).ratio() > NEAR
    return f'did you mean "{better}"?' if alike and re.fullmatch(node["pattern"], better) else ""


def _example(_: object, node: schema.Node, __: str | None) -> str:
    examples = () if "enum" in node else node.get("examples", ())  # options are all named already
    return f"for example {shown(examples[0])}" if examples else ""
