"""What a Pulumi SDK from PyPI expects of its provider, in the form of Pulumi's package schema."""

import collections.abc
import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import Archive, Asset
from pulumi import _types as sdk_types

Shape = str | dict[str, "Shape"] | tuple[str, "Shape"]
"""`string`, `("array", of)`, `("map", of)`, or the properties of an object."""

PRIMITIVES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    Any: "any",
    Asset: "asset",
    Archive: "asset",
}
RESOURCE = re.compile(r"__self__\)\.__init__\(\s*'([\w-]+:[\w/]+:\w+)'")
FUNCTION = re.compile(r"runtime\.invoke\('([\w-]+:[\w/]+:\w+)'")
SECRETS = re.compile(r"additional_secret_outputs=\[(.*?)\]")
ARGUMENT = re.compile(r"__args__\['(\w+)'\]")


@dataclass(frozen=True)
class Member:
    """A resource or function as one side sees it."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    required: frozenset[str] = field(default_factory=frozenset)
    secrets: frozenset[str] = field(default_factory=frozenset)


def shape_of(kind: object) -> Shape:
    """The shape of a Python type that the SDK declares; Awaitable and Output are the same as the value."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        plain = [each for each in arguments if not _is_promise(each) and each is not type(None)]
        if {Asset, Archive} & set(plain):
            return "asset"
        found = [shape_of(each) for each in plain]
        if any(each != found[0] for each in found):
            raise ValueError(f"a union of different shapes: {kind}")
        return found[0]
    if origin is collections.abc.Sequence:
        return ("array", shape_of(arguments[0]))
    if origin is collections.abc.Mapping:
        return ("map", shape_of(arguments[1]))
    if isinstance(kind, type) and (sdk_types.is_input_type(kind) or sdk_types.is_output_type(kind)):
        return {name: shape_of(each) for name, each in sdk_types._types_from_py_properties(kind).items()}
    if kind in PRIMITIVES:
        return PRIMITIVES[kind]  # type: ignore[index]
    if isinstance(kind, type) and kind.__name__.endswith("ArgsDict"):
        raise ValueError(f"a typed dictionary beside no class: {kind}")
    raise ValueError(f"unknown type {kind!r}")


def _is_promise(kind: object) -> bool:
    name = getattr(typing.get_origin(kind) or kind, "__name__", "")
    return name in ("Awaitable", "Output") or str(getattr(kind, "__name__", "")).endswith("ArgsDict")


def members_of_sdk(package: types.ModuleType) -> tuple[dict[str, Member], dict[str, Member]]:
    """Resources and functions of an SDK by their tokens."""
    resources: dict[str, Member] = {}
    functions: dict[str, Member] = {}
    for file, module in _modules(package):
        source = file.read_text()
        if (match := RESOURCE.search(source)) and match[1].count("/"):
            resources[match[1]] = _resource(module, match[1].rpartition(":")[2], source)
        if match := FUNCTION.search(source):
            functions[match[1]] = _function(module, match[1].rpartition(":")[2], source)
    return resources, functions


def config_of_sdk(package: types.ModuleType) -> dict[str, Shape]:
    """The provider's configuration."""
    provider = importlib.import_module(f"{package.__name__}.provider")
    return {name: shape_of(each) for name, each in sdk_types.input_type_types(provider.ProviderArgs).items()}


def _modules(package: types.ModuleType) -> Iterator[tuple[Path, types.ModuleType]]:
    root = Path(package.__path__[0])
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if file.name != "__init__.py" and parts[0] not in ("config", "provider"):
            yield file, importlib.import_module(".".join((package.__name__, *parts)))


def _resource(module: types.ModuleType, name: str, source: str) -> Member:
    arguments = getattr(module, f"{name}Args")
    names = sdk_types.input_type_py_to_pulumi_names(arguments)
    parameters = list(inspect.signature(arguments.__init__).parameters.values())[1:]
    secrets = SECRETS.search(source)
    return Member(
        inputs={key: shape_of(each) for key, each in sdk_types.input_type_types(arguments).items()},
        outputs={
            key: shape_of(each) for key, each in sdk_types.resource_types(getattr(module, name)).items()
        },
        required=frozenset(
            names[each.name] for each in parameters if each.default is inspect.Parameter.empty
        ),
        secrets=frozenset(re.findall(r'"(\w+)"', secrets[1])) if secrets else frozenset(),
    )


def _function(module: types.ModuleType, name: str, source: str) -> Member:
    result = getattr(module, f"{name[0].upper()}{name[1:]}Result")
    return Member(
        inputs=dict.fromkeys(ARGUMENT.findall(source), "any"),
        outputs={key: shape_of(each) for key, each in sdk_types.output_type_types(result).items()},
    )


def members_of_schema(schema: Mapping[str, Any]) -> tuple[dict[str, Member], dict[str, Member]]:
    """Resources and functions of a provider's schema by their tokens."""
    resources = {
        token: Member(
            inputs=_shapes(schema, each.get("inputProperties", {})),
            outputs=_shapes(schema, each.get("properties", {})),
            required=frozenset(each.get("requiredInputs", ())),
            secrets=frozenset(name for name, one in each.get("properties", {}).items() if one.get("secret")),
        )
        for token, each in schema["resources"].items()
    }
    functions = {
        token: Member(
            inputs=dict.fromkeys(each.get("inputs", {}).get("properties", {}), "any"),
            outputs=_shapes(schema, each["outputs"]["properties"]),
        )
        for token, each in schema["functions"].items()
        if not token.startswith("pulumi:")
    }
    return resources, functions


def config_of_schema(schema: Mapping[str, Any]) -> dict[str, Shape]:
    """The provider's configuration."""
    return _shapes(schema, schema["provider"].get("inputProperties", {}))


def _shapes(schema: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Shape]:
    return {name: _shape(schema, each) for name, each in properties.items()}


def _shape(schema: Mapping[str, Any], declared: Mapping[str, Any]) -> Shape:
    if reference := declared.get("$ref"):
        if reference in ("pulumi.json#/Asset", "pulumi.json#/Archive"):
            return "asset"
        if reference == "pulumi.json#/Any":
            return "any"
        return _shapes(schema, schema["types"][reference.removeprefix("#/types/")]["properties"])
    if declared.get("oneOf"):
        return _shape(schema, declared["oneOf"][0])
    if declared["type"] == "array":
        return ("array", _shape(schema, declared["items"]))
    if declared["type"] == "object":
        return ("map", _shape(schema, declared["additionalProperties"]))
    return str(declared["type"])


def differences(ours: Mapping[str, Member], theirs: Mapping[str, Member]) -> list[str]:
    """What the provider and the SDK disagree about, one readable line each."""
    found = [f"{token}: the provider lacks it" for token in sorted(theirs.keys() - ours.keys())]
    found += [f"{token}: the SDK lacks it" for token in sorted(ours.keys() - theirs.keys())]
    for token in sorted(ours.keys() & theirs.keys()):
        for part in ("inputs", "outputs", "required", "secrets"):
            one, other = getattr(ours[token], part), getattr(theirs[token], part)
            found += [f"{token} {part}: {line}" for line in _differ(one, other)]
    return found


def _differ(one: object, other: object) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        lines = [f"{name}: the provider lacks it" for name in sorted(other.keys() - one.keys())]
        lines += [f"{name}: the SDK lacks it" for name in sorted(one.keys() - other.keys())]
        lines += [
            f"{name}.{line}"
            for name in sorted(one.keys() & other.keys())
            for line in _differ(one[name], other[name])
        ]
        return lines
    if isinstance(one, tuple) and isinstance(other, tuple) and one[0] == other[0]:
        return _differ(one[1], other[1])
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return [f"{name}: only one side has it" for name in sorted(one ^ other)]
    return [] if one == other else [f"provider {one}, SDK {other}"]
