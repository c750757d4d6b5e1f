"""The JSON Schema of a component, for editors."""

import json

from terp.environment.reference import SCHEMA_ADDRESS, closed
from terp.gitops.component import Component


def published_schema() -> str:
    """What `docs/gitops/component.schema.json` holds."""
    schema = {"$schema": SCHEMA_ADDRESS, **Component.model_json_schema()}
    return json.dumps(closed(schema), indent=2, ensure_ascii=False) + "\n"
