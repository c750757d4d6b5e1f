"""A value held against a schema, as the API server does it.

Kubernetes' schemas are a small part of JSON Schema with signs of their own (OpenAPI 3.0, "structural
schemas" of CustomResourceDefinitions in Kubernetes 1.36): a field that a schema does not name is dropped in
silence, or refused where a client asks for that; here it is a mistake. Rules in CEL (`x-kubernetes-
validations`) are not evaluated.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from terp.environment.findings import FAR, Key, nearest

Node = Mapping[str, Any]
"""A part of a schema."""
Found = tuple[Key, str, str]
"""Where, what is wrong, and what would be right."""
INT_OR_STRING, KEEP = "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"
EMBEDDED, KIND_OF_LIST, KEYS = (
    "x-kubernetes-embedded-resource",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
)
ANY: Node = {KEEP: True}
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
FEW = 8
"""Fields that are worth naming when none is alike."""
LISTED = re.compile(r"^ - `\"(.*?)\"`", re.MULTILINE)
"""Kubernetes' own schemas have what is possible in their descriptions only."""


class Form(NamedTuple):
    """A schema, and the schemas that it may refer to."""

    node: Node
    others: Mapping[str, Node] = {}

    def at(self, node: Node) -> "Form":
        """Another schema of the same document."""
        return Form(node, self.others)

    def resolved(self) -> "Form":
        """Without a reference; one that stands alone in `allOf` is how OpenAPI gives it a default."""
        node = self.node
        if "$ref" not in node and len(every := node.get("allOf", ())) == 1 and "$ref" in every[0]:
            node = {**{key: value for key, value in node.items() if key != "allOf"}, **every[0]}
        if "$ref" not in node:
            return self.at(node)
        return self.at(self.others[node["$ref"].rpartition("/")[2]]).resolved()


def wrong(value: Any, form: Form, key: Key = (), *, known: bool = True) -> Iterator[Found]:  # noqa: ANN401
    """All that is wrong with a value; `known` is whether the schema names all fields that there are.

    Those inside of `allOf`, `anyOf`, `oneOf` and `not` name none: they only restrict.
    """
    form = form.resolved()
    if mistake := _type(value, form.node):
        yield key, *mistake
        return
    yield from ((key, *each) for each in _restrictions(value, form.node))
    if isinstance(value, Mapping):
        yield from _fields(value, form, key, known=known)
    elif isinstance(value, list):
        yield from _items(value, form, key, known=known)
    yield from _alternatives(value, form, key)


def _type(value: Any, node: Node) -> tuple[str, str] | None:  # noqa: ANN401
    if node.get(INT_OR_STRING) or node.get("format") == "int-or-string":
        right = "integer" if isinstance(value, int) else "string"
    elif "type" in node:
        right = node["type"]
    else:
        return None
    if value is None and node.get("nullable"):
        return None
    whole = right == "integer" and isinstance(value, float) and value.is_integer()
    if whole or (isinstance(value, TYPES[right]) and (isinstance(value, bool) == (right == "boolean"))):
        return None
    return f"is {_word(value)}, not {WORDS[right]}", _instead(value, right)


def _word(value: Any) -> str:  # noqa: ANN401
    """The kind of a value, never the value: it may be a secret."""
    if isinstance(value, bool):
        return WORDS["boolean"]
    of = (WORDS[name] for name, types in TYPES.items() if isinstance(value, types))
    return next(of, "nothing")


def _instead(value: Any, right: str) -> str:  # noqa: ANN401
    match right:
        case "string" if isinstance(value, bool | int | float):
            return "put it in quotes"
        case "integer" | "number" if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return "leave out the quotes"
        case "boolean" if value in ("true", "false"):
            return "leave out the quotes"
        case "array":
            return "make it a list"
    return ""


Rule = Callable[[Any, Any, Node], bool]
"""Whether a value keeps to what the schema says under a name."""
RESTRICTIONS: Mapping[str, tuple[type | tuple[type, ...], Rule, str]] = {
    "minLength": (str, lambda value, least, _: len(value) >= least, "is shorter than {}"),
    "maxLength": (str, lambda value, most, _: len(value) <= most, "is longer than {}"),
    "minItems": (list, lambda value, least, _: len(value) >= least, "has less than {} entries"),
    "maxItems": (list, lambda value, most, _: len(value) <= most, "has more than {} entries"),
    "minProperties": (dict, lambda value, least, _: len(value) >= least, "has less than {} fields"),
    "maxProperties": (dict, lambda value, most, _: len(value) <= most, "has more than {} fields"),
    "minimum": (
        (int, float),
        lambda value, least, node: value > least if node.get("exclusiveMinimum") else value >= least,
        "is too small: at least {}",
    ),
    "maximum": (
        (int, float),
        lambda value, most, node: value < most if node.get("exclusiveMaximum") else value <= most,
        "is too big: at most {}",
    ),
    "multipleOf": ((int, float), lambda value, of, _: value % of == 0, "is no multiple of {}"),
    "pattern": (str, lambda value, pattern, _: _matches(value, pattern), "does not match {}"),
    "format": (str, lambda value, form, _: form != "byte" or _is_base64(value), "is no base64"),
}


def _restrictions(value: Any, node: Node) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    options = node.get("enum") or LISTED.findall(node.get("description", ""))
    if options and value not in options and not (value == "" and "enum" not in node):
        yield (
            f"is none of what is possible: {shown(value)}",
            meant(str(value), map(str, options), len(options)),
        )
    for name, (types, keeps, said) in RESTRICTIONS.items():
        if name in node and isinstance(value, types) and not keeps(value, node[name], node):
            yield said.format(node[name]), ""


def _matches(value: str, pattern: str) -> bool:
    """Patterns are those of Go, which Python reads but for a few."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(re.sub(r"\s", "", value), validate=True)
    except binascii.Error:
        return False
    return True


def _fields(value: Mapping[str, Any], form: Form, key: Key, *, known: bool) -> Iterator[Found]:
    node = form.node
    fields: Mapping[str, Node] = {
        **(_of_every_object() if node.get(EMBEDDED) else {}),
        **node.get("properties", {}),
    }
    others = node.get("additionalProperties", {})
    there = {name: each for name, each in value.items() if each is not None}  # the API server drops nulls
    for name in node.get("required", ()):
        if name not in there:
            yield key, f'"{name}" is missing', ""
    free = not known or node.get(KEEP) or isinstance(others, bool) or bool(others)
    for name, each in there.items():
        if name in fields:
            yield from wrong(each, form.at(fields[name]), (*key, name), known=known)
        elif isinstance(others, Mapping) and others:
            yield from wrong(each, form.at(others), (*key, name), known=known)
        elif not free:
            yield (*key, name), "there is no such field", meant(name, fields, FEW)


def _of_every_object() -> Mapping[str, Node]:
    return {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": ANY}


def _items(value: list[Any], form: Form, key: Key, *, known: bool) -> Iterator[Found]:
    items = form.node.get("items", ANY)
    for place, each in enumerate(value):
        yield from wrong(each, form.at(items), (*key, place), known=known)
    names = form.node.get(KEYS, ()) if form.node.get(KIND_OF_LIST) == "map" else ()
    defaults = form.at(items).resolved().node.get("properties", {})
    seen = list[object]()
    for place, each in enumerate(value):
        if not names or not isinstance(each, Mapping):
            continue
        mark = [each.get(name, defaults.get(name, {}).get("default")) for name in names]
        if mark in seen:
            said = ", ".join(f"{name} {shown(part)}" for name, part in zip(names, mark, strict=True))
            yield (*key, place), f"is there twice: {said}", "keep one"
        seen.append(mark)


def _alternatives(value: Any, form: Form, key: Key) -> Iterator[Found]:  # noqa: ANN401
    for each in form.node.get("allOf", ()):
        yield from wrong(value, form.at(each), key, known=False)
    for name in ("anyOf", "oneOf"):
        choices = form.node.get(name, ())
        mistakes = [list(wrong(value, form.at(each), key, known=False)) for each in choices]
        fit = mistakes.count([])
        if choices and not fit:
            yield from min(mistakes, key=len)
        elif name == "oneOf" and fit > 1 and INT_OR_STRING not in form.node:
            yield key, f"fits {fit} of {len(choices)} alternatives, of which one is allowed", ""
    if (refused := form.node.get("not")) is not None and not any(
        wrong(value, form.at(refused), key, known=False)
    ):
        yield key, "is what the schema excludes", ""


def meant(word: str, options: Any, few: int) -> str:  # noqa: ANN401 - any names
    """A suggestion; long lists help nobody."""
    known = sorted(options)
    if near := nearest(word, known, FAR):
        return f'did you mean "{near}"?'
    return f"possible: {', '.join(known)}" if known and len(known) <= few else ""


def shown(value: Any) -> str:  # noqa: ANN401
    """A value in a message."""
    return f'"{value}"' if isinstance(value, str) else str(value)
