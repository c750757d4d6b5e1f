"""`terp explain` and `terp config check` as people and machines call them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from terp.cli import app, main
from terp.environment import InvalidEnvironmentError

INVALID = Path(__file__).parents[2] / "fixtures" / "invalid"
VALID = INVALID.parent / "valid"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_key_is_explained():
    code, said = run("explain", "nodes.pools.flavor")
    assert code == 0
    assert said.splitlines() == [
        "nodes.pools.<name>.flavor",
        "  Flavor: Nova flavor.",
        "  value     text in one line of 1 to 255 characters",
        "  required",
        "  example   flavor: m1.large",
    ]


def test_without_a_key_all_are_listed():
    _, said = run("explain")
    assert "access.api.endpoint" in said
    assert "nodes.pools.<name>.count" in said
    assert json.loads(run("explain", "--json")[1])[0]["key"] == "owner"


def test_an_entry_as_json():
    assert json.loads(run("explain", "network.mtu", "--json")[1])["example"] == "mtu: 1450"


def test_a_right_file_says_what_it_amounts_to():
    code, said = run("config", "check", str(VALID / "production.yaml"))
    assert code == 0
    assert "72: 3 control-plane, 60 cpu, 8 gpu, 1 bastion" in said
    assert "150 with 45900 GiB" in said
    assert "load balancer, port 443, at a new floating IP" in said


def test_a_right_file_as_json():
    data = json.loads(run("config", "check", str(VALID / "own-floating-ips.yaml"), "--json")[1])
    assert data["valid"] is True
    assert data["size"]["reserved_floating_ips"] == 4
    assert data["size"]["servers"] == {"control-plane": 1, "edge": 2, "bastion": 1}


def test_a_stack_is_checked_by_its_name():
    assert run("config", "check", "sandbox")[0] == 0


def test_mistakes_as_json():
    code, said = run("config", "check", str(INVALID / "zone-twice.yaml"), "--json")
    assert code == 2
    (mistake,) = json.loads(said)["mistakes"]
    assert (mistake["line"], mistake["key"]) == (16, "terp:environment.nodes.control_plane.zones[2]")


def test_mistakes_for_people():
    with pytest.raises(InvalidEnvironmentError):
        run("config", "check", str(INVALID / "zone-twice.yaml"))


def test_brackets_are_printed_and_the_exit_code_is_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["terp", "config", "check", str(INVALID / "text-for-a-list.yaml")])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "as a list: [zone-a]" in capsys.readouterr().err
