"""A Pulumi state, as `pulumi stack export` prints it."""

from typing import Any


def resource(kind: str, name: str, identity: str = "", /, **outputs: Any) -> dict[str, Any]:
    """One resource of a state."""
    return {
        "urn": f"urn:pulumi:prod::terp::terp:openstack:Cloud$terp:openstack:NodePool${kind}::{name}",
        "type": kind,
        "custom": True,
        "id": identity or f"id-{name}",
        "outputs": outputs,
    }


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    """A state with these resources."""
    stack = {"urn": "urn:pulumi:prod::terp::pulumi:pulumi:Stack::terp-prod", "type": "pulumi:pulumi:Stack"}
    return {"version": 3, "deployment": {"manifest": {}, "resources": [stack, *resources]}}
