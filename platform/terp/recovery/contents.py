"""What must survive an environment: declared here, gathered by `gathering`, proved by `proof`."""

from collections.abc import Iterable
from typing import Literal

from terp.kubernetes.keys import ENCRYPTION, PLACES
from terp.model import Model

Layer = Literal["cloud", "cluster", "encryption", "vault", "git"]
"""What an environment has: hosts, Kubernetes, Secrets that are encrypted in etcd, a Vault in the cluster, a
credential with which Argo CD reads git."""
STATE, PASSPHRASE, STACK_FILE = "state.json", "passphrase", "stack.yaml"
PRIVATE_KEY, WORK_TREE = "private_key", "work-tree.tar.gz"
SNAPSHOT, UNSEALING, GIT_CREDENTIAL = "etcd.db", "vault.json", "git-credential"


class Part(Model):
    """One thing that must survive, by its name in a set; `of` is the layer that has it."""

    name: str
    of: Layer
    title: str
    without: str


KEYS = {
    "ca": ("the cluster's authority", "every certificate and kubeconfig has to be replaced"),
    "sa": ("the key of service accounts", "every token that pods hold is void"),
    "front-proxy-ca": ("the authority of aggregated APIs", "these have to be registered anew"),
    "etcd-ca": ("etcd's authority", "no new member can join, and no old one is trusted"),
}
"""By the names of the keys without their endings: what they are, and what is so without them."""
PARTS = (
    Part(name=STATE, of="cloud", title="Pulumi's state", without="nobody knows what is on the cloud"),
    Part(name=PASSPHRASE, of="cloud", title="the state's passphrase", without="no secret in the state opens"),
    Part(name=STACK_FILE, of="cloud", title="the environment's file", without="nobody knows what to raise"),
    Part(name=PRIVATE_KEY, of="cloud", title="the SSH key", without="no host can be reached"),
    Part(name=WORK_TREE, of="cloud", title="the work tree", without="what was deployed can only be guessed"),
    *(
        Part(name=name, of="cluster", title=f"{title} ({name})", without=without)
        for name in PLACES
        for title, without in [KEYS[name.rpartition(".")[0]]]
    ),
    Part(name=SNAPSHOT, of="cluster", title="a snapshot of etcd", without="every object is lost"),
    Part(
        name=ENCRYPTION,
        of="encryption",
        title="the key of Secrets in etcd",
        without="no Secret in the snapshot opens",
    ),
    Part(
        name=UNSEALING,
        of="vault",
        title="what unseals Vault",
        without="what Vault keeps stays closed for ever",
    ),
    Part(
        name=GIT_CREDENTIAL,
        of="git",
        title="Argo CD's credential for git",
        without="Argo CD reads nothing until it has a new one",
    ),
)
"""Everything, in the order in which a rebuild needs it."""


def parts_of(layers: Iterable[Layer]) -> tuple[Part, ...]:
    """What must survive of an environment with these layers."""
    there = frozenset(layers)
    return tuple(part for part in PARTS if part.of in there)
