"""The command line of the toolchain."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from terp.cli.tools import app
from terp.errors import TerpError

run = CliRunner().invoke


def test_the_list_names_every_tool_also_those_that_are_not_there(cache: Path) -> None:
    shown = run(app, ["list"]).output
    assert re.search(r"pulumi-resource-kubernetes +4\.25\.0", shown)
    assert "not installed" in shown


def test_the_list_for_machines_has_release_addresses_and_checksums(cache: Path) -> None:
    listed = {each["name"]: each for each in json.loads(run(app, ["list", "--json"]).output)}
    assert listed["pulumi"]["installed"] is False
    assert "release" not in listed["pulumi-resource-tls"]


def test_an_unknown_tool_is_bad_input(cache: Path) -> None:
    result = run(app, ["sync", "kubctl"])
    assert isinstance(result.exception, TerpError) and result.exception.exit_code == 2


@pytest.mark.parametrize("more", [[], ["--old"]])
def test_pruning_an_empty_cache_frees_nothing(cache: Path, more: list[str]) -> None:
    result = run(app, ["prune", *more])
    assert result.exit_code == 0
    assert "0 bytes  freed in all" in result.output
