"""From a value to an environment, or to all that is wrong with it in words that help."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from terp.environment import reference, schema
from terp.environment.environment import Environment
from terp.environment.findings import NEAR, Finding, Key, did_you_mean, nearest
from terp.environment.rules import broken_rules
from terp.environment.suggestions import LONGEST, shown, suggestion

KEY = "[key]"
"""How pydantic says that the name in a mapping is wrong, not what it names."""


def validate(value: object, stack: str | None, written: Mapping[Key, str]) -> Environment | list[Finding]:
    """The environment, or every finding (never none): of the form, else of the rules between the keys.

    `stack` is its name, if that is to be checked; `written` holds scalars as they stand in the file, if there
    is one.
    """
    try:
        environment = Environment.model_validate(value)
    except ValidationError as error:
        return list(_form(error, value, written))
    return list(broken_rules(environment, stack)) or environment


def _form(error: ValidationError, value: object, written: Mapping[Key, str]) -> Iterable[Finding]:
    """One finding for each place, however many types pydantic has tried there."""
    found: dict[tuple[Key, bool], Finding] = {}
    for each in error.errors(include_url=False, include_context=False):
        place = _place(each["loc"], value)
        of_name = each["loc"][-1:] == (KEY,)
        finding = _finding(each["type"], each["loc"], place, value, written, of_name=of_name)
        found.setdefault((finding.key, of_name), finding)
    meant = {(each.key[:-1], each.suggestion) for each in found.values()}
    return [
        each
        for each in found.values()
        if _place(each.key, value) == each.key or (each.key[:-1], _did_you_mean(each.key)) not in meant
    ]


def _did_you_mean(key: Key) -> str:
    """What an unknown key beside this one says if this one was meant: it is not missing then."""
    return f'did you mean "{key[-1]}"?'


def _place(loc: Sequence[int | str], value: object) -> Key:
    """As much of pydantic's way as the value has: what follows are names of types."""
    place: list[int | str] = []
    for step in loc:
        if not _has(value, step):
            break
        value = cast("Any", value)[step]
        place.append(step)
    return tuple(place)


def _has(value: object, step: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _finding(
    problem: str,
    loc: Sequence[int | str],
    place: Key,
    value: object,
    written: Mapping[Key, str],
    *,
    of_name: bool,
) -> Finding:
    if problem == "missing":
        return _missing((*place, loc[len(place)]))
    if problem == "extra_forbidden":
        return _unknown(place)
    if of_name:
        return _name(place)
    return _value(place, _at(value, place), written.get(place))


def _at(value: Any, place: Key) -> Any:  # noqa: ANN401 - JSON
    for step in place:
        value = value[step]
    return value


def _missing(key: Key) -> Finding:
    node = schema.at(key) or {}
    examples = node.get("examples")
    example = f"for example {key[-1]}: {shown(examples[0])}" if examples else schema.kind(node)
    said = f"{node.get('title', key[-1])}: {node.get('description', '')}".removesuffix(".")
    return Finding(key=key, message=f'"{key[-1]}" is missing ({said})', suggestion=example)


def _unknown(key: Key) -> Finding:
    """A close name here, else the same name elsewhere, else what there is here."""
    word = str(key[-1])
    here = list((schema.at(key[:-1]) or {}).get("properties", {}))
    elsewhere = [reference.shown(each) for each, _ in schema.every_key() if each[-1] == word]
    if near := nearest(word, here, NEAR):
        said = f'did you mean "{near}"?'
    elif elsewhere:
        said = f"it belongs to {' or '.join(elsewhere[:3])}"
    else:
        said = did_you_mean(word, here)
    return Finding(key=key, message=f'unknown key "{word}"', suggestion=said)


def _name(key: Key) -> Finding:
    word = str(key[-1])
    node = schema.at(key[:-1]) or {}
    longest = node.get("propertyNames", {}).get("maxLength", LONGEST)
    pattern = next(iter(node.get("patternProperties", {})), "")
    plain = word.lower().rpartition("://")[2]
    guesses = (
        plain,
        *(re.sub(r"[^a-z0-9]+", sign, plain).strip(sign)[:longest].strip(sign) for sign in "-_"),
    )
    right = (each for each in guesses if pattern and len(each) <= longest and re.fullmatch(pattern, each))
    better = next((each for each in right if each != word), None)
    example = next((name for each in node.get("examples", ()) for name in each), None)
    said = f'did you mean "{better}"?' if better else f"for example {shown(example)}" if example else ""
    return Finding(
        key=key,
        message=f"{shown(word)} is not {schema.name_kind(node)}".rstrip(",;"),
        suggestion=said,
    )


def _value(key: Key, value: object, text: str | None) -> Finding:
    node = schema.at(key) or {}
    right = schema.kind(node).rstrip(",;")
    if isinstance(value, str) and (refused := _refused(value)):
        return Finding(key=key, message=refused, suggestion="a new one: ssh-keygen -t ed25519")
    if isinstance(value, dict) and value.keys() == {"secure"}:
        return Finding(
            key=key,
            message="a secret (secure:) has no place here",
            suggestion="plainly: none of the keys is secret",
        )
    if value is None:
        return Finding(
            key=key, message="there is nothing under it", suggestion=f"leave it out, or give {right}"
        )
    said = suggestion(value, node, text)
    return Finding(key=key, message=f"{shown(value, text)} is not {right}", suggestion=said)


def _refused(value: str) -> str:
    """Keys of people that are not even shown, or that no server takes."""
    if "PRIVATE KEY-----" in value:
        return (
            "a private key stands in a file that is shared; the public one is in the file that ends with .pub"
        )
    return "OpenSSH refuses DSA keys since version 7.0" if value.startswith("ssh-dss ") else ""
