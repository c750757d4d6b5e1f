"""What a preview takes for properties that are not known yet: enough to plan, and nothing more."""

from collections.abc import Mapping

from pydantic import JsonValue

from terp.provider.values import Properties, has_unknown

NODES = "nodes"
TO_COME: Mapping[str, str] = {
    "address": "203.0.113.1",  # for documentation: nobody's (RFC 5737)
    "access_address": "203.0.113.1",
    "user": "nobody",
    "host_key": "not known yet",
}
"""Of a node whose server is to come."""
NOTHING: Mapping[str, JsonValue] = {"variables": {}, "secrets": {}, "private_key": "", "endpoint": ""}
"""Of a cluster that is to come."""


def foreseen(inputs: Properties, outputs: Properties) -> tuple[Properties, frozenset[str], tuple[str, ...]]:
    """The inputs with something in every gap, the nodes whose servers are to come, and which inputs had gaps.

    What is recorded fills gaps first.
    """
    gaps = tuple(name for name, value in inputs.items() if name != NODES and has_unknown(value))
    filled: Properties = {**inputs, **{name: outputs.get(name, NOTHING.get(name)) for name in gaps}}
    nodes, coming = inputs.get(NODES), set()
    if isinstance(nodes, list) and all(isinstance(node, dict) for node in nodes):
        coming = {str(node["name"]) for node in nodes if isinstance(node, dict) and has_unknown(node)}
        filled[NODES] = [_standing_in(node) for node in nodes if isinstance(node, dict)]
    return {name: value for name, value in filled.items() if value is not None}, frozenset(coming), gaps


def _standing_in(node: dict[str, JsonValue]) -> JsonValue:
    known = {name: value for name, value in node.items() if not has_unknown(value)}
    return known if len(known) == len(node) else {**TO_COME, **known}
