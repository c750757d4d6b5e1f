"""Terp reads a stack file as Pulumi does, so that `config check` and the program judge the same."""

import json
from pathlib import Path

import pytest

from terp.environment.document import parse
from tests.integration.tools.conftest import Stack

pytestmark = pytest.mark.tools
FIXTURES = Path(__file__).parents[2] / "fixtures" / "valid"
SCALARS = """\
encryptionsalt: {salt}
config:
  terp:environment:
    words: [no, yes, on, off, y, n, "true", ~, null, Null, =, 12:30:00, 1.2.3.4, "2026-01-31", a: b]
    booleans: [true, True, TRUE, false, False, FALSE]
    integers: [0, 12, -3, +4, 010, 0o17, 0x1F, 0b101, 1_000, -0]
    floats: [1.5, .5, 1., 1e3, 08, -2.5e-3]
    names: {{0: a, 7: b, no: c, true: d}}
    defaults: &pool {{flavor: large, count: 1}}
    merged: {{<<: *pool, count: 3}}
    several: {{<<: [*pool, {{count: 9, zone: a}}]}}
    text: |
      two
      lines
    folded: >-
      one
      line
"""


def test_scalars_names_and_merges(stack: Stack, tmp_path: Path):
    pulumi = stack("")
    file = tmp_path / "project" / "Pulumi.test.yaml"
    salt = parse(file.read_text()).at(("encryptionsalt",))
    file.write_text(SCALARS.format(salt=salt))
    known = json.loads(pulumi.output("config", "--json"))["terp:environment"]["objectValue"]
    document = parse(file.read_text())
    assert document.findings == ()
    assert document.at(("config", "terp:environment")) == known


def test_every_realistic_environment(stack: Stack, tmp_path: Path):
    pulumi = stack("")
    file = tmp_path / "project" / "Pulumi.test.yaml"
    salt = parse(file.read_text()).at(("encryptionsalt",))
    for fixture in sorted(FIXTURES.glob("*.yaml")):
        text = "\n".join(line for line in fixture.read_text().splitlines() if "encryptionsalt" not in line)
        file.write_text(f"encryptionsalt: {salt}\n{text}\n")
        known = json.loads(pulumi.output("config", "--json"))["terp:environment"]["objectValue"]
        assert parse(fixture.read_text()).at(("config", "terp:environment")) == known, fixture.name
