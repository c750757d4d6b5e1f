"""What a preview plans with before servers are there."""

from terp.kubernetes.foresight import foreseen
from terp.kubernetes.life import Wanted
from terp.provider.values import UNKNOWN, Properties

KNOWN: Properties = {
    "name": "cp-1",
    "roles": ["control-plane", "etcd"],
    "address": "10.0.0.1",
    "access_address": "10.0.0.1",
    "user": "debian",
    "host_key": "ssh-ed25519 AAAA",
}
COMING: Properties = {
    "name": "worker-1",
    "roles": ["worker"],
    **dict.fromkeys(("address", "host_key"), UNKNOWN),
}
WANTED: Properties = {
    "name": "demo",
    "installer": "embedded",
    "installer_version": "1",
    "kubernetes_version": "1.36.3",
    "nodes": [KNOWN, COMING],
    "jump": UNKNOWN,
    "variables": UNKNOWN,
    "secrets": UNKNOWN,
    "private_key": UNKNOWN,
    "endpoint": UNKNOWN,
}


def test_a_cluster_to_come_can_be_planned() -> None:
    filled, coming, gaps = foreseen(WANTED, {})
    wanted = Wanted.model_validate(filled)
    assert [node.name for node in wanted.nodes] == ["cp-1", "worker-1"]
    assert coming == {"worker-1"}
    assert set(gaps) == {"jump", "variables", "secrets", "private_key", "endpoint"}
    assert wanted.jump is None


def test_what_is_recorded_fills_gaps_and_what_is_known_stays() -> None:
    recorded: Properties = {"variables": {"kube_oidc_auth": True}, "private_key": "a key"}
    filled, _, _ = foreseen({**WANTED, "endpoint": "https://api:6443"}, recorded)
    assert filled["variables"] == {"kube_oidc_auth": True}
    assert filled["private_key"] == "a key"
    assert filled["endpoint"] == "https://api:6443"
    assert filled["nodes"][0] == KNOWN  # type: ignore[index]


def test_nothing_is_made_up_when_everything_is_known() -> None:
    known = {name: value for name, value in WANTED.items() if value != UNKNOWN} | {"nodes": [KNOWN]}
    assert foreseen(known, {}) == (known, frozenset(), ())
