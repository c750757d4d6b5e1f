"""A YAML file as values, with the line of each key: what PyYAML's own loader forgets.

Scalars mean what they mean to Pulumi (YAML 1.2): `no` and `on` are text, only `true` and `false` are
booleans. Keys are text, as in the JSON that Pulumi hands to its program.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from terp.environment.findings import Finding, Key, dotted

LARGEST = 100_000
"""Nodes of a document, aliases counted as often as they are used: a stack file has some hundreds."""
NULL = re.compile(r"|~|null|Null|NULL")
BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(
    r"(?P<sign>[-+]?)(0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>\d{1,18}))"
)
BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt\s].*)?")
PLAIN = "plain"
YAML = "tag:yaml.org,2002:"
TEXT = f"{YAML}str"
TAGS = {PLAIN, TEXT, *(f"{YAML}{each}" for each in ("null", "bool", "int", "float", "map", "seq"))}


class _Loader(yaml.SafeLoader):
    """Tells scalars without quotes from text, and nothing more."""


_Loader.yaml_implicit_resolvers = {None: [(PLAIN, re.compile(""))]}


class Document(NamedTuple):
    """A document: its value as JSON would hold it, and what is known of each key in it (lines from 1)."""

    value: object
    lines: Mapping[Key, int]
    written: Mapping[Key, str]
    findings: tuple[Finding, ...]

    def at(self, key: Key) -> object:
        """The value of a key that is there."""
        value: Any = self.value
        for step in key:
            value = value[step]
        return value


class Unreadable(Exception):  # noqa: N818 - a state of the file, not of the program
    """The text is no YAML document of a sensible size; `line` is where that shows, when it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def parse(text: str) -> Document:
    """Read one YAML document; keys that are there twice and tags are findings.

    Raises:
        Unreadable: no YAML, several documents, or one that is nested or repeated without end.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        reader = _Reader()
        value = reader.read(root, ()) if root else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(_said(error), mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise Unreadable(f"no YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise Unreadable("no environment: it is nested too deeply") from error
    return Document(value, reader.lines, reader.written, tuple(reader.findings))


def _said(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "syntax"
    if "\\t" in problem:
        return "no YAML: a line is indented with a tab; YAML takes spaces"
    return f"no YAML: {problem}"


class _Reader:
    """Makes values of YAML nodes and notes what it sees."""

    def __init__(self) -> None:
        self.lines: dict[Key, int] = {}
        self.written: dict[Key, str] = {}
        self.findings: list[Finding] = []
        self.seen = 0

    def read(self, node: yaml.Node, key: Key) -> object:
        self.seen += 1
        if self.seen > LARGEST:
            raise Unreadable(f"no environment: more than {LARGEST} values (aliases of aliases?)")
        self.lines.setdefault(key, node.start_mark.line + 1)
        if node.tag not in TAGS:
            self.findings.append(
                Finding(key=key, message=f"the tag {node.tag} means nothing here", suggestion="leave it out")
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(each, (*key, place)) for place, each in enumerate(node.value)]
        self.written[key] = node.value
        if node.tag == PLAIN and DATE.fullmatch(node.value):
            said = "Pulumi takes text without quotes that looks like a date for a point in time"
            self.findings.append(Finding(key=key, message=said, suggestion=f'in quotes: "{node.value}"'))
        return node.value if node.tag == TEXT else scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, object]:
        value: dict[str, object] = {}
        merged: dict[str, object] = {}
        for name, member, line in self._members(node, key):
            if name is None:
                merged |= self._merged(member, key)
            elif name in value:
                self._twice((*key, name), line)
            else:
                self.lines[(*key, name)] = line
                value[name] = self.read(member, (*key, name))
        return {**merged, **value}

    def _members(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[str | None, yaml.Node, int]]:
        """Name (none for a merge), value and line of each member."""
        for name, member in node.value:
            line = name.start_mark.line + 1
            if name.tag == PLAIN and name.value == "<<":
                yield None, member, line
            elif isinstance(name, yaml.ScalarNode):
                yield name.value, member, line
            else:
                self.findings.append(Finding(key=key, message=f"a key in line {line} is no text"))

    def _merged(self, node: yaml.Node, key: Key) -> dict[str, object]:
        """What `<<:` brings; keys that stand in the mapping itself take its place."""
        parts = reversed(node.value) if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, object] = {}
        for part in parts:
            if isinstance(part, yaml.MappingNode):
                merged |= self._mapping(part, key)
            else:
                self.findings.append(
                    Finding(key=key, message="<<: takes a mapping", suggestion="*name of one that has &name")
                )
        return merged

    def _twice(self, key: Key, line: int) -> None:
        self.findings.append(
            Finding(
                key=key,
                message=f"the key is there again in line {line}",
                suggestion=f'keep one "{dotted(key[-1:])}"',
            )
        )


def scalar(text: str) -> object:
    """What a scalar without quotes means."""
    if NULL.fullmatch(text):
        return None
    if text in BOOLEAN:
        return BOOLEAN[text]
    if number := INTEGER.fullmatch(text.replace("_", "")):
        digits = next((base, number[name]) for name, base in BASES.items() if number[name])
        return int(f"{number['sign']}{digits[1]}", digits[0])
    if FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
