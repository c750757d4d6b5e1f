"""Every rule of the gate, with its id: what is named on the command line and in the documentation."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from terp.environment import Environment
from terp.policy.finding import Objection
from terp.policy.plan import Plan
from terp.policy.rules import availability, exposure, losses, names

PLAIN_SECRET = "plain-secret"  # noqa: S105 - the id of a rule
"""Of the stack's file, not of a plan (`terp.policy.rules.secrets`)."""


class Rule(NamedTuple):
    """What must not happen by the way, in one sentence, and what finds it in a plan."""

    id: str
    sentence: str
    look: Callable[[Plan, Environment], Iterator[Objection]]


RULES = (
    Rule("delete-volume", "No volume is deleted or replaced.", losses.volumes),
    Rule("delete-control-plane", "No control-plane server is deleted or replaced.", losses.control_plane),
    Rule("delete-network", "No part of a network is deleted or replaced.", losses.networks),
    Rule("delete-cluster", "No cluster is given up.", losses.clusters),
    Rule("remove-application", "No Application goes with what it has made.", losses.applications),
    Rule("etcd-quorum", "etcd keeps its quorum at every moment.", availability.etcd),
    Rule("pool-nodes", "Few nodes of a pool are gone at once.", availability.workers),
    Rule("kubernetes-minor", "Kubernetes goes one minor version at a time.", availability.upgrades),
    Rule("renamed", "No logical name changes without an alias.", names.renamed),
    Rule("public", "Nothing becomes public that was not.", exposure.public),
)
