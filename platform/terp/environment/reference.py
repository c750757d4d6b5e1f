"""What each key of an environment means, for people and for editors; made from the models."""

import json
import re
from collections.abc import Iterator

from terp.environment import schema
from terp.environment.findings import ENVIRONMENT, NEAR, Key, did_you_mean, nearest
from terp.errors import TerpError
from terp.model import Model

SCHEMA_ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class Entry(Model):
    """A key as it is explained. `value` says in words what it may be; `inner` names the keys below it."""

    key: str
    title: str
    description: str
    value: str
    unit: str | None
    required: bool
    default: str | None
    example: str | None
    inner: tuple[str, ...]


def entries() -> Iterator[Entry]:
    """Every key, top down, in the order of the models."""
    for key, _ in schema.every_key():
        yield entry(key)


def entry(key: Key) -> Entry:
    """The explanation of a key that there is; `*` in it stands for a name or a place in a list."""
    node = schema.at(key) or {}
    above = schema.at(key[:-1]) or {}
    required = key[-1] in above.get("required", ())
    examples = node.get("examples", ())
    return Entry(
        key=shown(key),
        title=node.get("title", str(key[-1])),
        description=node.get("description", ""),
        value=schema.kind(node).rstrip(",;"),
        unit=node.get("unit"),
        required=required,
        default=None if required else _default(node),
        example=_written(key[-1], examples[0]) if examples else None,
        inner=tuple(shown(each) for each, _ in schema.every_key(node, key) if is_next(key, each)),
    )


def is_next(key: Key, inner: Key) -> bool:
    """Whether `inner` is a key right below, names and places in between left out."""
    return "*" not in inner[len(key) + 1 :] and len([step for step in inner[len(key) :] if step != "*"]) == 1


def _default(node: schema.Node) -> str:
    default = node.get("default")
    if default is None:
        return "none"
    return (
        "as its keys say"
        if isinstance(default, dict) and default
        else json.dumps(default, ensure_ascii=False)
    )


def _written(name: str | int, value: object) -> str:
    """As it stands in a file; JSON is YAML."""
    text = (
        value
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./-]*|[\d.]+[./][\d./]+", value)
        else None
    )
    return f"{name}: {text or json.dumps(value, ensure_ascii=False)}"


def shown(key: Key) -> str:
    """`nodes.pools.<name>.taints[].effect`."""
    text = ""
    for length, step in enumerate(key):
        if step != "*":
            text += f".{step}" if text else str(step)
        else:
            text += "[]" if (schema.at(key[:length]) or {}).get("type") == "array" else ".<name>"
    return text


def find(asked: str) -> Key:
    """The key that a person means: `nodes.pools.flavor`, with or without names and places in between.

    Raises:
        TerpError: there is no such key (exit code 2).
    """
    steps = re.sub(r"\[[^]]*\]", "", asked.removeprefix(ENVIRONMENT).strip(".")).split(".")
    key: Key = ()
    for step in steps if steps != [""] else ():
        following = _step(key, step)
        if following is None:
            raise _unknown(asked)
        key = following
    return key


def _step(key: Key, step: str) -> Key | None:
    """One step on: a key, the same key in the members of a mapping or list, or the name of a member."""
    for inner in (key, (*key, "*")):
        if step in (schema.at(inner) or {}).get("properties", {}):
            return (*inner, step)
    node = schema.at(key) or {}
    members = schema.at((*key, "*")) if node.get("type") == "object" else None
    if members is None or nearest(step, members.get("properties", {}), NEAR):  # a key, misspelt
        return None
    return (*key, "*")


def _unknown(asked: str) -> TerpError:
    known = [re.sub(r"\.<name>|\[\]", "", shown(key)) for key, _ in schema.every_key()]
    last = asked.rpartition(".")[2]
    same = [each for each in known if each.rpartition(".")[2] == last]
    hint = f"did you mean {' or '.join(same[:3])}?" if same else did_you_mean(asked, known)
    if len(hint) > 400:  # every key that there is
        hint = "all keys: terp explain"
    return TerpError(f'there is no key "{asked}" in an environment', hint=hint, exit_code=2)


def published_schema() -> str:
    """JSON Schema of a whole stack file, for editors."""
    inner = dict(schema.schema())
    definitions = {name: closed(each) for name, each in inner.pop("$defs").items()}
    definitions["Environment"] = closed(inner)
    whole = {
        "$schema": SCHEMA_ADDRESS,
        "title": "Stack file of Terp",
        "description": "stacks/Pulumi.<environment>.yaml",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {ENVIRONMENT: {"$ref": "#/$defs/Environment"}},
                "required": [ENVIRONMENT],
            }
        },
        "required": ["config"],
        "$defs": definitions,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def closed(node: object) -> object:
    """Mappings take no names but those of their pattern."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    inner = {name: closed(each) for name, each in node.items()}
    return {**inner, "additionalProperties": False} if "patternProperties" in node else inner
