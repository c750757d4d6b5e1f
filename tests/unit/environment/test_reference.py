"""What is published of the models: JSON Schema, pages, explanations."""

import json
from pathlib import Path

import pytest
from tests.unit.fields import assert_every_field_says_what_it_is, models

from terp.environment import Environment, schema
from terp.environment.pages import pages
from terp.environment.reference import entries, entry, find, published_schema, shown
from terp.errors import TerpError
from terp.model import Model

PROJECT = Path(__file__).resolve().parents[3]
FOLDER = PROJECT / "docs" / "environment"


MODELS = sorted(set(models(Environment)), key=lambda model: model.__name__)


def test_published_pages_and_schema_are_those_of_the_models(request: pytest.FixtureRequest):
    published = {**pages(), "schema.json": published_schema()}
    if request.config.getoption("--update-golden"):
        FOLDER.mkdir(exist_ok=True)
        for file in FOLDER.iterdir():
            file.unlink()
        for name, text in published.items():
            (FOLDER / name).write_text(text)
    found = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert found == published, "a model was changed? pytest --update-golden, and review docs/environment"


def test_the_schema_is_small_enough_for_editors():
    assert len(published_schema()) < 1_000_000


def test_shipped_stacks_name_the_schema_for_editors():
    for stack in (PROJECT / "stacks").glob("Pulumi.*.yaml"):
        assert "# yaml-language-server: $schema=../docs/environment/schema.json\n" in stack.read_text()


def test_the_schema_takes_no_name_that_the_models_refuse():
    definitions = json.loads(published_schema())["$defs"]
    assert definitions["Nodes"]["properties"]["pools"]["additionalProperties"] is False
    assert all(each["additionalProperties"] is False for each in definitions.values())


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_every_field_says_what_it_is(model: type[Model]):
    assert_every_field_says_what_it_is(model)


def test_every_key_can_be_explained_by_its_short_and_its_full_name():
    keys = [key for key, _ in schema.every_key()]
    assert len(keys) > 100
    for key in keys:
        assert find(shown(key)) == key
        assert find(".".join(str(step) for step in key if step != "*")) == key
        assert find(f"terp:environment.{shown(key)}") == key


def test_names_and_places_of_a_file_are_understood():
    assert shown(find("nodes.pools.gpu.taints[0].effect")) == "nodes.pools.<name>.taints[].effect"
    assert shown(find("nodes.pools.gpu")) == "nodes.pools.<name>"


def test_an_entry_says_everything_about_a_key():
    count = entry(find("nodes.pools.count"))
    assert (count.title, count.unit, count.required, count.example) == ("Count", "nodes", True, "count: 3")
    assert count.value == "a whole number from 0 to 1000"
    assert entry(find("network.nodes")).default == '"10.10.0.0/22"'
    assert "network.kubernetes.pods" in entry(find("network.kubernetes")).inner


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("virtual_ip", "did you mean access.api.virtual_ip?"),
        ("network.nods", 'did you mean "network.nodes"?'),
        ("nodes.pools.flavr", 'did you mean "nodes.pools.flavor"?'),
        ("zzz", "all keys: terp explain"),
    ],
)
def test_an_unknown_key_is_answered_with_a_known_one(asked: str, hint: str):
    with pytest.raises(TerpError) as caught:
        find(asked)
    assert caught.value.exit_code == 2
    assert caught.value.hint == hint


def test_every_number_has_a_unit():
    numbers = [each for each in entries() if "whole number" in each.value or each.value == "1, 3 or 5"]
    assert len(numbers) > 20
    assert [each.key for each in numbers if not each.unit and not each.inner] == []


def test_every_entry_has_words():
    assert [each.key for each in entries() if not each.description or not each.title] == []
