"""What stays of a state when everything that was on the cloud is gone."""

from typing import Any

from terp.policy.plan import is_raised
from terp.recovery.state import recorded_fingerprints, without_cloud

URN = "urn:pulumi:prod::terp"


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"{URN}::{kind}::{name}", "type": kind.rpartition("$")[2], **more}


STACK = resource("pulumi:pulumi:Stack", "terp-prod", outputs={"hosts": ["a host"]})
CLOUD = resource("terp:openstack:Cloud", "prod", parent=STACK["urn"], outputs={"hosts": ["a host"]})
PROVIDER = resource("pulumi:providers:tls", "default", custom=True, id="1", outputs={"version": "5.3.0"})
OTHERS = resource("pulumi:providers:openstack", "embedded", custom=True, id="2", outputs={})
KEY = resource(
    "terp:openstack:Cloud$tls:index/privateKey:PrivateKey",
    "access",
    custom=True,
    id="3",
    parent=CLOUD["urn"],
    provider=f"{PROVIDER['urn']}::1",
    outputs={"privateKeyOpenssh": "a key"},
)
NETWORK = resource(
    "terp:openstack:Cloud$openstack:networking/network:Network",
    "nodes",
    custom=True,
    id="4",
    parent=CLOUD["urn"],
    provider=f"{OTHERS['urn']}::2",
    outputs={},
)
PASSWORD = resource(
    "random:index/randomPassword:RandomPassword",
    "encryption-key",
    custom=True,
    id="none",
    parent=STACK["urn"],
    dependencies=[NETWORK["urn"], KEY["urn"]],
    propertyDependencies={"length": [NETWORK["urn"]]},
    outputs={"result": "a password"},
)
CLUSTER = resource(
    "terp:kubernetes:Cluster", "prod", custom=True, id="prod", outputs={"fingerprints": {"ca.crt": "f"}}
)
EXPORTED = {
    "version": 3,
    "deployment": {
        "manifest": {},
        "resources": [STACK, PROVIDER, OTHERS, CLOUD, KEY, NETWORK, PASSWORD, CLUSTER],
        "pending_operations": [{"type": "creating"}],
    },
}


def test_generated_keys_stay_with_what_they_need() -> None:
    left = without_cloud(EXPORTED)["deployment"]["resources"]
    assert [each["urn"] for each in left] == [each["urn"] for each in (STACK, PROVIDER, CLOUD, KEY, PASSWORD)]
    by_urn = {each["urn"]: each for each in left}
    assert by_urn[KEY["urn"]]["outputs"] == KEY["outputs"]
    assert by_urn[PASSWORD["urn"]]["dependencies"] == [KEY["urn"]]
    assert "propertyDependencies" not in by_urn[PASSWORD["urn"]]


def test_such_a_state_has_no_hosts_and_nothing_to_lose() -> None:
    deployment = without_cloud(EXPORTED)["deployment"]
    assert is_raised(EXPORTED["deployment"])  # type: ignore[arg-type]
    assert not is_raised(deployment)
    assert "pending_operations" not in deployment


def test_nothing_else_of_it_changes() -> None:
    left = without_cloud(EXPORTED)
    assert left["version"] == 3
    assert left["deployment"]["manifest"] == {}
    assert EXPORTED["deployment"]["pending_operations"]  # type: ignore[index]


def test_the_fingerprints_are_those_of_the_cluster() -> None:
    assert recorded_fingerprints(EXPORTED) == {"ca.crt": "f"}
    assert recorded_fingerprints({"deployment": None}) == {}
