"""Reads the catalogue from its folders, or says everything that is wrong with it, with lines."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from terp.environment.components import component_files
from terp.environment.document import parse
from terp.environment.fields import Name
from terp.environment.findings import NEAR, Key, Mistake, did_you_mean, dotted, nearest
from terp.errors import TerpError
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.consistency import contradictions
from terp.gitops.versions import GIT, HELM, IMAGE, Upstream
from terp.paths import PROJECT

VERSIONS = "charts/versions.yaml"


class InvalidCatalogueError(TerpError):
    """All that is wrong with the catalogue, at once."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n\n".join([f"{count} in the catalogue", *map(str, mistakes)]), exit_code=2)
        self.mistakes = tuple(mistakes)


@cache
def read_catalogue(root: Path = PROJECT) -> Catalogue:
    """The catalogue of a work tree.

    Raises:
        InvalidCatalogueError: with all that is wrong (exit code 2).
    """
    files = component_files(root)
    components = {name: _read(file, TypeAdapter(Component), root) for name, file in sorted(files.items())}
    upstreams = _read(root / VERSIONS, TypeAdapter(dict[Name, Upstream]), root)
    mistakes = [
        each for found in (*components.values(), upstreams) if isinstance(found, list) for each in found
    ]
    if mistakes:
        raise InvalidCatalogueError(mistakes)
    folders = {name: file.parent.parent.name for name, file in files.items()}
    catalogue = Catalogue.model_construct(components=components, upstreams=upstreams)  # each was checked
    if wrong := [_placed(files[name], *found, root) for name, found in contradictions(catalogue, folders)]:
        raise InvalidCatalogueError(wrong)
    return catalogue


def _read(file: Path, form: TypeAdapter[Any], root: Path) -> Any:  # noqa: ANN401 - what the form makes
    try:
        return form.validate_python(yaml.load(file.read_bytes(), yaml.CSafeLoader))
    except ValidationError as error:
        found = {_without_tag(each["loc"]): each for each in error.errors(include_url=False)}
        return [_placed(file, key, *_said(key, each), root) for key, each in found.items()]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        where = file.relative_to(root)
        return [Mistake(file=where, line=line, key=file.stem, message=f"no YAML: {error.problem}")]


def _said(key: Key, error: Any) -> tuple[str, str]:  # noqa: ANN401 - pydantic's own type is private
    """In words what pydantic has found, and what would be right."""
    word = str(key[-1]) if key else ""
    match error["type"]:
        case "missing":
            return f'"{word}" is missing', ""
        case "extra_forbidden":
            near = nearest(word, _field_names(), NEAR)
            said = "it belongs elsewhere" if near == word else f'did you mean "{near}"?' if near else ""
            return f'unknown key "{word}"', said
        case "literal_error":
            options = [each.strip("'") for each in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            return f'"{error["input"]}" is no {word}', did_you_mean(str(error["input"]), options)
        case _:
            return f"{error['msg']}", ""


@cache
def _field_names() -> frozenset[str]:
    schema = Component.model_json_schema()
    models = (schema, *schema["$defs"].values())
    return frozenset(name for each in models for name in each.get("properties", ()))


def _placed(file: Path, key: Key, message: str, suggestion: str, root: Path) -> Mistake:
    lines = parse(file.read_text()).lines
    above = (key[:length] for length in range(len(key), -1, -1))
    line = next((lines[each] for each in above if each in lines), None)
    where = file.relative_to(root)
    return Mistake(file=where, line=line, key=dotted(key), message=message, suggestion=suggestion)


def _without_tag(key: Key) -> Key:
    """Pydantic names the kind of a source or of an upstream after it; the file does not."""
    tagged = key[:1] == ("source",) or key[1:2] in {(GIT,), (HELM,), (IMAGE,)}
    return (*key[:1], *key[2:]) if tagged and len(key) > 1 else key
