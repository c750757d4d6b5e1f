"""What the answers of hosts say, as hosts print them."""

import base64
import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.errors import TerpError
from terp.kubernetes import keys
from terp.kubernetes.life import Standing, Wanted, _everyone
from terp.kubernetes.model import ClusterState, Node
from terp.kubernetes.observation import seen

NODES = {
    "items": [
        {
            "metadata": {"name": "cp-0", "labels": {"zone": "a"}},
            "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
            "status": {
                "nodeInfo": {"kubeletVersion": "v1.36.3"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    ]
}
MEMBERS = {
    "members": [
        {"name": "cp-0", "clientURLs": ["https://10.0.0.1:2379"]},
        {"name": "cp-1", "clientURLs": ["https://10.0.0.2:2379"]},
        {"clientURLs": []},
    ]
}
HEALTH = [
    {"endpoint": "https://10.0.0.1:2379", "health": True},
    {"endpoint": "https://10.0.0.2:2379", "health": False},
]


def printed(**said: str) -> str:
    names = {name.replace("_", "-"): base64.b64encode(text.encode()).decode() for name, text in said.items()}
    return "".join(f"{name} {text}\n" for name, text in names.items())


def test_everything_that_a_control_plane_says() -> None:
    end = datetime.now(UTC) + timedelta(days=12, hours=1)
    said = printed(
        etcd_members=json.dumps(MEMBERS),
        etcd_health=json.dumps(HEALTH),
        admin="kubeconfig",
        api=json.dumps(NODES),
        expiry=f"notAfter={end:%b %d %H:%M:%S %Y} GMT\n",
    ) + printed(**{"sa.key": "a key"})
    look = seen({"cpu-0": "", "cp-0": said})
    assert look.control_plane == "cp-0"
    assert look.kubeconfig == "kubeconfig"
    assert look.keys == {"cp-0": {"sa.key": "a key"}}
    found = look.observation
    assert found.reachable == {"cp-0", "cpu-0"}
    assert found.etcd_members == {"cp-0": True, "cp-1": False}
    assert found.fingerprints == {"sa.key": keys.fingerprint("a key")}
    assert found.certificate_days == {"cp-0": 12}
    assert found.api_nodes is not None
    node = found.api_nodes["cp-0"]
    assert (node.ready, node.version, node.labels) == (True, "1.36.3", {"zone": "a"})
    assert [(taint.key, taint.value) for taint in node.taints] == [("gpu", "")]


@pytest.mark.parametrize(
    "broken", ["a: b: c", "[]", "resources: 1", "resources: [{providers: [{aescbc: {keys: [{}]}}]}]"]
)
def test_an_encryption_key_that_cannot_be_read_names_the_host_and_shows_nothing(broken: str) -> None:
    said = f"{keys.ENCRYPTION} {base64.b64encode(f'{broken} # secret'.encode()).decode()}\n"
    with pytest.raises(TerpError, match="cp-0 has no readable EncryptionConfiguration") as raised:
        seen({"cp-0": said})
    assert "secret" not in raised.value.message.replace("secrets_encryption", "")
    assert raised.value.exit_code == 2


def test_a_control_plane_whose_api_and_etcd_are_silent() -> None:
    look = seen({"cp-0": printed(admin="kubeconfig") + "api \netcd-members \netcd-health \nexpiry \n"})
    assert look.kubeconfig == "kubeconfig"
    assert look.observation.api_nodes is None
    assert look.observation.etcd_members == {}
    assert look.observation.certificate_days == {}


def test_hosts_without_a_cluster() -> None:
    look = seen({"cp-0": "etcd-members \netcd-health \n"})
    assert look.kubeconfig is None
    assert look.observation.reachable == {"cp-0"}
    assert look.observation.api_nodes is None


def _node(name: str, key: str) -> Node:
    address = IPv4Address("10.0.0.1")
    return Node(
        name=name, roles=("worker",), address=address, access_address=address, user="root", host_key=key
    )


@given(st.lists(st.lists(st.sampled_from(["cp-0", "cp-1", "cpu-0"]), unique=True), min_size=2, max_size=5))
def test_every_host_that_was_ever_wanted_is_looked_at_as_it_was_last(pasts: list[list[str]]) -> None:
    states = [
        ClusterState(
            nodes=tuple(_node(name, f"key {age}") for name in names),
            installer="embedded",
            installer_version="1",
            kubernetes_version="1.36.3",
        )
        for age, names in enumerate(pasts)
    ]
    recorded, *attempts, last = states
    wanted = Wanted(
        name="demo",
        nodes=last.nodes,
        installer="embedded",
        installer_version="1",
        kubernetes_version="1.36.3",
        private_key="",
        endpoint="",
    )
    looked_at = _everyone(wanted, Standing(state=recorded, attempts=tuple(attempts)))
    ages = {name: f"key {age}" for age, names in enumerate(pasts) for name in names}
    assert {node.name: node.host_key for node in looked_at} == ages
