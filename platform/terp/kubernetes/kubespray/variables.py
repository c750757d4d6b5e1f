"""Where a release's variables are defined, from its own files."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import yaml

from terp.errors import TerpError
from terp.model import Model

PLACES = ("roles/**/defaults/**/*.y*ml", "roles/**/vars/**/*.y*ml")
"""Defaults, which an environment may set otherwise; and variables of roles, which it may not."""


class Definition(Model):
    """One definition: the file within the tree, its line, and its text as it stands there."""

    file: str
    line: int
    text: str
    fixed: bool
    """Whether group variables do nothing about it: it is no default."""


def definitions(tree: Path, name: str) -> tuple[Definition, ...]:
    """Where a tree gives a variable its value.

    Raises:
        TerpError: a file of the tree is no YAML.
    """
    found: list[Definition] = []
    for pattern in PLACES:
        for file in sorted(tree.glob(pattern)):
            text = file.read_text(encoding="utf-8")
            if name in text:  # most files are not worth reading
                fixed = "defaults" not in file.relative_to(tree).parts
                found += _in_file(name, text, str(file.relative_to(tree)), fixed=fixed)
    return tuple(found)


def _in_file(name: str, text: str, file: str, *, fixed: bool) -> Iterator[Definition]:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise TerpError(f"{file} is no YAML: {error}") from error
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == name:
                start, end = value.start_mark, value.end_mark
                written = dedent(" " * start.column + text[start.index : end.index]).rstrip()
                yield Definition(file=file, line=key.start_mark.line + 1, text=written, fixed=fixed)
