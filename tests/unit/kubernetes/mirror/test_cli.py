"""`terp mirror`: what it refuses before it fetches anything."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from terp.cli.mirror import mirror
from terp.errors import TerpError
from terp.paths import PROJECT

app = typer.Typer()
app.command()(mirror)
FIXTURES = PROJECT / "tests" / "fixtures" / "valid"


def refused(*arguments: str) -> TerpError:
    found = CliRunner().invoke(app, [*arguments]).exception
    assert isinstance(found, TerpError)
    assert found.exit_code == 2
    return found


def test_nodes_that_another_installer_makes_fetch_nothing(tmp_path: Path):
    file = str(FIXTURES / "embedded-kubernetes.yaml")
    assert "fetch nothing" in refused(file, "--folder", str(tmp_path)).message


@pytest.mark.parametrize("options", [("--serve",), ("--at", "10.0.0.80"), ("--at", "http://10.0.0.80:1")])
def test_where_it_is_served_must_be_an_address_and_a_port(options: tuple[str, ...]):
    assert "where shall it be served" in refused(str(FIXTURES / "production.yaml"), *options).message
