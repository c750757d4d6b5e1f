"""JSON Schemas: of a component, for editors, and of what `--json` of a command says."""

import json
from collections.abc import Mapping

from terp.environment.reference import SCHEMA_ADDRESS, closed
from terp.gitops.component import Component
from terp.gitops.difference import Difference
from terp.gitops.judgement import Judgement
from terp.gitops.lock import ChartLock, ImageLock
from terp.model import Model

PUBLISHED: Mapping[str, type[Model]] = {
    "component": Component,
    "diff": Difference,
    "images": ImageLock,
    "charts": ChartLock,
    "check": Judgement,
}
"""By the name of the file in `docs/gitops`."""


def published_schema(model: type[Model] = Component) -> str:
    """What `docs/gitops/<name>.schema.json` holds."""
    schema = {"$schema": SCHEMA_ADDRESS, **model.model_json_schema()}
    return json.dumps(closed(schema), indent=2, ensure_ascii=False) + "\n"
