"""Properties as the engine sends them: protobuf structs with marks for secrets and for what is not known yet.

The marks are those of Pulumi's sdk/v3 (go/common/resource/sig, go/sdk/plugin: UnknownStringValue).
"""

from collections.abc import Collection, Mapping
from typing import TypeAlias

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pydantic import JsonValue

Properties: TypeAlias = dict[str, JsonValue]
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is known only when something else has been made."""


def plain(struct: Struct) -> Properties:
    """The properties without marks of secrets; whole numbers are integers, null values are left out."""
    values = _plain(MessageToDict(struct))
    return values if isinstance(values, dict) else {}  # a mark at the very top is none of ours


def secret_names(struct: Struct) -> frozenset[str]:
    """The properties that have a secret in them."""
    return frozenset(name for name, value in MessageToDict(struct).items() if _has_secret(value))


def marked(properties: Mapping[str, JsonValue], secrets: Collection[str]) -> Struct:
    """The properties for the engine, with those named in `secrets` marked as such."""
    struct = Struct()
    struct.update(
        {
            name: {SIGNATURE: SECRET, "value": value} if name in secrets else value
            for name, value in properties.items()
        }
    )
    return struct


def has_unknown(value: JsonValue) -> bool:
    """Whether anything in a value is not known yet."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value == UNKNOWN


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if value.get(SIGNATURE) in (SECRET, OUTPUT):
            return _plain(value.get("value", UNKNOWN))  # an output without a value is not known yet
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _has_secret(value: JsonValue) -> bool:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET or (value.get(SIGNATURE) == OUTPUT and value.get("secret")):
            return True
        return any(map(_has_secret, value.values()))
    return isinstance(value, list) and any(map(_has_secret, value))
