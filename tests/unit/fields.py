"""What must hold for the fields of every model that is published."""

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import TypeAdapter

from terp.model import Model


def models(annotation: object) -> Iterator[type[Model]]:
    """Every model that an annotation leads to."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


def assert_every_field_says_what_it_is(model: type[Model]) -> None:
    """Title, description, and examples that it takes."""
    for name, field in model.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert field.description.endswith("."), name
        if not any(models(field.annotation)):
            assert field.examples, name
        for example in field.examples or []:
            TypeAdapter(Annotated[field.annotation, field]).validate_python(example)
