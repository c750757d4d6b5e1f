"""What a stack has by Pulumi's own record, counted as `demand` counts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from terp.openstack import types
from terp.preflight.demand import ONE_EACH, Prices, Thing, Uses


def recorded(state: Mapping[str, Any] | None, prices: Prices) -> dict[Thing, Uses]:
    """The things in a state as `pulumi stack export` prints it (version 3); nothing without a stack.

    What waits to be deleted takes its quota until the plan has come through: it is not counted, so that what
    replaces it must find room beside it.
    """
    return {
        (resource["type"], _name(resource)): uses
        for resource in _resources(state)
        if (uses := _uses(resource["type"], resource.get("outputs") or {}, prices))
    }


def names(state: Mapping[str, Any] | None, kind: str) -> frozenset[str]:
    """The names that the cloud knows a stack's things of one type by."""
    return frozenset(
        str(name)
        for resource in _resources(state)
        if resource["type"] == kind and (name := (resource.get("outputs") or {}).get("name"))
    )


def ids(state: Mapping[str, Any] | None) -> frozenset[str]:
    """The ids of all that a stack has in the cloud."""
    return frozenset(str(resource["id"]) for resource in _resources(state))


def _resources(state: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    for resource in ((state or {}).get("deployment") or {}).get("resources") or ():
        if resource.get("id") and not resource.get("delete") and not resource.get("external"):
            yield resource


def _name(resource: Mapping[str, Any]) -> str:
    """The last part of `urn:pulumi:<stack>::<project>::<types>::<name>`."""
    return str(resource["urn"]).split("::", 3)[3]


def _uses(kind: str, outputs: Mapping[str, Any], prices: Prices) -> Uses:
    if kind in ONE_EACH:
        return Counter({ONE_EACH[kind]: 1})
    if kind == types.INSTANCE:
        return prices.instance(str(outputs.get("flavorName"))) + _root_volumes(outputs, prices)
    if kind == types.VOLUME:
        return prices.volume(int(outputs["size"]), outputs.get("volumeType"))
    if kind == types.NETWORK:
        return prices.network()
    if kind == types.LOAD_BALANCER:
        return prices.load_balancer(outputs.get("loadbalancerProvider"))
    if kind == types.MEMBERS:
        return Counter({"members": len(outputs.get("members") or ())})
    return {}


def _root_volumes(outputs: Mapping[str, Any], prices: Prices) -> Counter[str]:
    uses: Counter[str] = Counter()
    for device in outputs.get("blockDevices") or ():
        if (device.get("sourceType"), device.get("destinationType")) == ("image", "volume"):
            uses.update(prices.volume(int(device["volumeSize"]), device.get("volumeType") or None))
    return uses
