"""The kinds of value that a file is made of, and what the models hold on to."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from terp.environment import Environment, fields
from terp.environment.nodes import RESERVED
from terp.openstack.firewall import NODE, WORKER

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def takes(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (fields.Name, ["a", "a-1", "1", "a" * 63], ["", "A", "a_b", "-a", "a-", "a.b", "a" * 64, "a\n"]),
        (fields.PoolName, ["gpu", "g", "gpu-a100", "a" * 20], ["1gpu", "gpu-", "GPU", "a" * 21, ""]),
        (fields.Reference, ["m1.large", "my network", "ü"], ["", " a", "a ", "a\nb", "a" * 256, 5, None]),
        (
            fields.DomainName,
            ["example.org", "example.org.", "a"],
            ["Example.org", "a..b", "-a.b", ".", "a b"],
        ),
        (fields.MountPoint, ["/srv", "/var/lib/data-1"], ["/", "srv", "/srv/", "/a b", "/a;b", "/a\n"]),
        (
            fields.LabelKey,
            ["gpu", "example.org/gpu", "a_b.c-d"],
            ["", "/a", "a/", "Ex.org/a", "a b", "a" * 64],
        ),
        (fields.LabelValue, ["", "a100", "A.b_c-d"], ["-a", "a b", "a" * 64]),
        (
            fields.PublicKey,
            [ED25519, f"{ED25519} ada lovelace"],
            ["ssh-dss AAAA", ED25519[12:], f"{ED25519}\nb"],
        ),
        (fields.Port, [1, 65535, "22"], [0, 65536, -1, 1.5, "http"]),
        (fields.Gibibytes, [1, 65536], [0, 65537, "10G"]),
        (fields.Cidr, ["10.0.0.0/8", "10.0.0.1", "fd00::/8"], ["10.0.0.1/8", "10.0.0.0/33", 10, 1.5, "a"]),
        (fields.Ipv4, ["10.0.0.1"], [10, "10.0.0.256", "10.0.0", "10.0.0.1/24", "fd00::1"]),
        (fields.FloatingIp, ["none", "new", "198.51.100.7"], ["old", "", 7, "198.51.100.0/24", None]),
    ],
    ids=lambda value: None if isinstance(value, list) else str(value)[:40],
)
def test_what_a_kind_of_value_takes(kind: Any, right: list[object], wrong: list[object]):
    assert [value for value in right if not takes(kind, value)] == []
    assert [value for value in wrong if takes(kind, value)] == []


def test_every_pattern_is_explained_in_words():
    patterns = {
        getattr(fields, name)
        for name in dir(fields)
        if name.isupper() and isinstance(getattr(fields, name), str) and getattr(fields, name).startswith("^")
    }
    assert patterns == fields.FORMS.keys()


def smallest() -> dict[str, Any]:
    return {"cloud": {"name": "a"}, "nodes": {"image": "b", "control_plane": {"flavor": "c"}}}


def test_an_environment_is_frozen_and_takes_no_unknown_key():
    environment = Environment.model_validate(smallest())
    with pytest.raises(ValidationError):
        environment.owner = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Environment.model_validate({**smallest(), "extra": 1})


def test_defaults_are_safe():
    environment = Environment.model_validate(smallest())
    assert environment.protected
    assert environment.access.bastion is None
    assert environment.access.api.floating_ip == "none"
    assert environment.nodes.control_plane.affinity == "soft-anti-affinity"
    assert not environment.nodes.control_plane.schedulable
    assert environment.access.node_ports_from == ()


def test_no_pool_has_the_name_of_a_security_group():
    assert {NODE, WORKER} <= set(RESERVED)
