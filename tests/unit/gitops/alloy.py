"""A reader of Alloy's syntax, as far as configurations of logs need it: blocks, attributes and expressions.

Alloy's own `validate` is a Go program that no package carries. This one knows the grammar, and not the
names of arguments; what blocks refer to is checked by the tests.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>[{}\[\](),=.+])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word of the language."""

    kind: str
    text: str
    line: int


class Block(NamedTuple):
    """`loki.write "audit" { ... }`."""

    name: str
    label: str | None
    attributes: dict[str, tuple[Token, ...]]
    blocks: tuple["Block", ...]

    @property
    def path(self) -> str:
        """`loki.write.audit`."""
        return f"{self.name}.{self.label}" if self.label else self.name

    def all(self) -> Iterator["Block"]:
        """Itself and all below it."""
        yield self
        for each in self.blocks:
            yield from each.all()

    def references(self) -> Iterator[str]:
        """`loki.write.audit.receiver`: what its expressions name, functions of the library left out."""
        for block in self.all():
            for value in block.attributes.values():
                yield from re.findall(r"(?<![\w.\"])([a-z]\w*(?:\.\w+)+)(?![\w(])", _unquoted(value))

    def strings(self, name: str) -> Iterator[str]:
        """The values of an attribute of this name, in it and below."""
        for block in self.all():
            if name in block.attributes:
                yield from (json.loads(each.text) for each in block.attributes[name] if each.kind == "string")


def parse(text: str) -> tuple[Block, ...]:
    """The blocks of a configuration.

    Raises:
        ValueError: it is none.
    """
    reader = _Reader(tuple(_tokens(text)))
    _, blocks = reader.body("")
    return blocks


def _unquoted(value: tuple[Token, ...]) -> str:
    return "".join('""' if each.kind == "string" else each.text for each in value)


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        line = text.count("\n", 0, place) + 1
        if not (found := TOKEN.match(text, place)):
            raise ValueError(f"line {line}: {text[place : place + 20]!r}")
        place = found.end()
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), found.group(), line)
    yield Token("end", "", text.count("\n") + 1)


class _Reader:
    """Recursive descent over the words."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens, self._at = tokens, 0

    def body(self, end: str) -> tuple[dict[str, tuple[Token, ...]], tuple[Block, ...]]:
        attributes: dict[str, tuple[Token, ...]] = {}
        blocks: list[Block] = []
        while self._here.text != end:
            name = self._name()
            if self._here.text == "=":
                self._take("=")
                if name in attributes:
                    raise self._error(f"{name} a second time")
                begin = self._at
                self._expression()
                attributes[name] = self._tokens[begin : self._at]
            else:
                label = json.loads(self._take().text) if self._here.kind == "string" else None
                self._take("{")
                inner = self.body("}")
                self._take("}")
                blocks.append(Block(name, label, *inner))
        return attributes, tuple(blocks)

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _error(self, what: str) -> ValueError:
        return ValueError(f"line {self._here.line}: {what}, at {self._here.text!r}")

    def _take(self, text: str | None = None) -> Token:
        token = self._here
        if token.kind == "end" or (text is not None and token.text != text):
            raise self._error(f"expected {text}")
        self._at += 1
        return token

    def _name(self) -> str:
        if self._here.kind != "name":
            raise self._error("expected a name")
        name = self._take().text
        while self._here.text == ".":
            self._take(".")
            if self._here.kind != "name":
                raise self._error("expected a name")
            name += f".{self._take().text}"
        return name

    def _expression(self) -> None:
        self._term()
        while self._here.text == "+":
            self._take("+")
            self._term()

    def _term(self) -> None:
        match self._here:
            case Token("string" | "number"):
                self._take()
            case Token("name"):
                self._name()
                if self._here.text == "(":
                    self._list("(", ")", self._expression)
            case Token(text="["):
                self._list("[", "]", self._expression)
            case Token(text="{"):
                self._list("{", "}", self._field)
            case _:
                raise self._error("expected a value")

    def _field(self) -> None:
        if self._take().kind not in ("name", "string"):
            raise self._error("expected a key")
        self._take("=")
        self._expression()

    def _list(self, begin: str, end: str, item: Callable[[], None]) -> None:
        self._take(begin)
        while self._here.text != end:
            item()
            if self._here.text != end:
                self._take(",")
        self._take(end)
