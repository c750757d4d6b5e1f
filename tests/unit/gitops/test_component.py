"""The form of a component, and what is published of it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.unit.fields import assert_every_field_says_what_it_is, models

from terp.gitops.component import Component, SecretKey
from terp.gitops.facts import Facts
from terp.gitops.schema import PUBLISHED, published_schema
from terp.gitops.versions import ChartRepository, GitRepository, ImageRepository
from terp.model import Model

FOLDER = Path(__file__).parents[3] / "docs" / "gitops"


MODELS: list[type[Model]] = sorted(
    {*models(Component), ChartRepository, GitRepository, ImageRepository, Facts},
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize(("name", "model"), PUBLISHED.items(), ids=PUBLISHED)
def test_the_published_schemas_are_those_of_the_models(
    name: str, model: type[Model], request: pytest.FixtureRequest
):
    file, schema = FOLDER / f"{name}.schema.json", published_schema(model)
    if request.config.getoption("--update-golden"):
        file.write_text(schema)
    assert file.read_text() == schema, "the model was changed? pytest --update-golden"


def test_the_schema_takes_no_name_that_the_models_refuse():
    schema = json.loads(published_schema())
    assert all(each["additionalProperties"] is False for each in (schema, *schema["$defs"].values()))
    assert schema["properties"]["provides"]["additionalProperties"] is False


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_every_field_says_what_it_is(model: type[Model]):
    assert_every_field_says_what_it_is(model)


@pytest.mark.parametrize(
    ("origin", "copy_of"), [("copied", None), ("generated", "valkey/valkey/REDIS_PASSWORD")]
)
def test_a_copy_says_what_it_is_a_copy_of_and_nothing_else_does(origin: str, copy_of: str | None):
    with pytest.raises(ValidationError, match="copy_of belongs to the origin copied"):
        SecretKey.model_validate({"name": "password", "origin": origin, "copy_of": copy_of})


def test_a_git_repository_keeps_its_name_on_a_mirror():
    upstream = GitRepository(git="https://github.com/kubeflow/manifests.git", version="1.0", commit="0" * 40)
    assert upstream.name == "kubeflow/manifests"
