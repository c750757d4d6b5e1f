"""Every realistic file is read, and every mistake gets the message that stands beside it."""

import json
from pathlib import Path

import pytest
import yaml

from terp.environment import Environment, InvalidEnvironmentError, check, read
from terp.environment.rules import RULES
from terp.openstack.firewall import security_groups
from terp.openstack.servers import servers

FIXTURES = Path(__file__).parents[2] / "fixtures"
VALID = sorted((FIXTURES / "valid").glob("*.yaml"))
INVALID = sorted((FIXTURES / "invalid").glob("*.yaml"))
STACKS = sorted((FIXTURES.parents[1] / "stacks").glob("Pulumi.*.yaml"))


def names(files: list[Path]) -> list[str]:
    return [file.stem for file in files]


@pytest.mark.parametrize("file", [*VALID, *STACKS], ids=names([*VALID, *STACKS]))
def test_a_realistic_environment_is_read(file: Path):
    environment = read(file)
    assert servers(file.stem, environment)
    assert security_groups(file.stem, environment)


@pytest.mark.parametrize("file", VALID, ids=names(VALID))
def test_pulumi_gets_the_same_from_the_value_alone(file: Path):
    value = yaml.safe_load(file.read_text())["config"]["terp:environment"]
    assert check(json.loads(json.dumps(value)), file.stem) == read(file)


@pytest.mark.parametrize("file", VALID, ids=names(VALID))
def test_what_is_read_can_be_written_and_read_again(file: Path):
    environment = read(file)
    assert Environment.model_validate(environment.model_dump(mode="json")) == environment


@pytest.mark.parametrize("file", INVALID, ids=names(INVALID))
def test_a_mistake_gets_its_message(
    file: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(file.parent)
    with pytest.raises(InvalidEnvironmentError) as caught:
        read(Path(file.name))
    assert caught.value.exit_code == 2
    message = f"{caught.value}\n"
    beside = file.with_suffix(".txt")
    if request.config.getoption("--update-golden"):
        beside.write_text(message)
    assert message == beside.read_text(), f"changed on purpose? pytest --update-golden, and review {beside}"


def test_each_mistake_is_found_alone():
    """A fixture shows one mistake; ranges that are defaults fall together."""
    several = {}
    for file in INVALID:
        with pytest.raises(InvalidEnvironmentError) as caught:
            read(file)
        several[file.stem] = len(caught.value.mistakes)
    assert {name: count for name, count in several.items() if count > 1} == {"defaults-overlap-reserved": 2}


def test_every_rule_is_shown_by_a_fixture():
    shown = set()
    for file in INVALID:
        try:
            value = yaml.safe_load(file.read_text())["config"]["terp:environment"]
            environment = Environment.model_validate(value)
        except (yaml.YAMLError, LookupError, TypeError, ValueError):
            continue
        shown |= {rule for rule in RULES if list(rule(environment))}
    assert [rule.__name__ for rule in RULES if rule not in shown] == []


def test_every_fixture_has_its_message_and_every_message_its_fixture():
    assert len(INVALID) >= 45
    assert names(INVALID) == names(sorted((FIXTURES / "invalid").glob("*.txt")))


def test_every_suggestion_says_what_would_be_right():
    """Only where there is nothing to say: what is in the file says it all."""
    silent = set()
    for file in INVALID:
        with pytest.raises(InvalidEnvironmentError) as caught:
            read(file)
        silent |= {file.stem for mistake in caught.value.mistakes if not mistake.suggestion}
    assert silent == {
        "anchor-unknown",
        "tab-for-indentation",
        "unclosed-bracket",
    }
