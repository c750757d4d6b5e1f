"""Variables, labels, taints and certificates that change while nodes and versions stay."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from terp.environment.nodes import Taint
from terp.kubernetes.model import Node, Run, SeenNode
from terp.kubernetes.plan.change import Change, in_kubernetes, names, runs_cluster
from terp.kubernetes.plan.runs import Author
from terp.kubernetes.scopes import APP_TAGS, Scope, by_scope

RENEW_WITHIN = 30
"""Days before the end of a certificate at which it is renewed; kubeadm's last a year."""
SHOWN = 4
"""Names in a reason."""


def settings(change: Change, author: Author, upgraded: bool) -> Iterator[Run]:
    """The runs that apply changed variables; an upgrade of all nodes has applied them already."""
    scopes = by_scope(change.differing)
    if "nodes" in scopes:
        reason = _changed(scopes, "nodes", "control-plane", "apps")
        if not upgraded:
            yield author.upgrade_control_plane(reason)
        workers = names(node for node in author.nodes if not runs_cluster(node))
        if workers and not upgraded:
            yield author.upgrade_workers(workers, reason)
    elif "control-plane" in scopes and not upgraded:
        yield author.upgrade_control_plane(_changed(scopes, "control-plane"))
    elif not upgraded and (days := _days_left(change)) is not None:
        yield author.upgrade_control_plane(f"certificates end in {days} days")
    if "apps" in scopes and not upgraded:
        yield author.apps(APP_TAGS, _changed(scopes, "apps"))


def labels(change: Change, author: Author) -> Iterator[Run]:
    """Labels and taints of nodes that stay. Kubespray sets them at times, and never removes one."""
    pasts: dict[str, list[Node]] = {}
    for node in (node for past in change.pasts for node in past.nodes):
        pasts.setdefault(node.name, []).append(node)
    found: dict[str, JsonValue] = {}
    for node in filter(in_kubernetes, change.staying):
        seen = (change.observed.api_nodes or {}).get(node.name)
        if differing := _differing(pasts[node.name], node, seen):
            found[node.name] = differing
    if found:
        yield author.labels(found, "labels and taints are set and removed through the API")


def _differing(pasts: Sequence[Node], wanted: Node, seen: SeenNode | None) -> dict[str, JsonValue]:
    """Labels to set (value) or to remove (null), taints to set and to remove; not what others set."""
    there: Mapping[str, str] = seen.labels if seen else pasts[-1].labels
    keys = [key for node in (*pasts, wanted) for key in node.labels]
    values = {key: wanted.labels.get(key) for key in keys}
    new: dict[str, JsonValue] = {key: value for key, value in values.items() if there.get(key) != value}
    tainted = seen.taints if seen else pasts[-1].taints
    ours = dict.fromkeys(taint for node in pasts for taint in node.taints)
    missing = [taint for taint in wanted.taints if taint not in tainted]
    surplus = [taint for taint in ours if taint not in wanted.taints and taint in tainted]
    differing: dict[str, JsonValue] = {}
    if new:
        differing["labels"] = new
    if missing:
        differing["taints"] = [_plain(taint) for taint in missing]
    if surplus:
        differing["without_taints"] = [_plain(taint) for taint in surplus]
    return differing


def _plain(taint: Taint) -> JsonValue:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}


def _days_left(change: Change) -> int | None:
    """Days until the first certificate ends, when that is soon."""
    days = min(change.observed.certificate_days.values(), default=RENEW_WITHIN)
    return days if days < RENEW_WITHIN else None


def _changed(scopes: Mapping[Scope, list[str]], *of: Scope) -> str:
    found = [name for scope in of for name in scopes.get(scope, ())]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"changed: {', '.join(found[:SHOWN])}{more}"
