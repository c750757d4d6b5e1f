from google.protobuf.struct_pb2 import Struct

from terp.provider.values import (
    OUTPUT,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    has_unknown,
    marked,
    plain,
    secret_names,
)


def struct(**properties: object) -> Struct:
    made = Struct()
    made.update(properties)
    return made


def test_numbers_come_back_as_they_were_meant():
    assert plain(struct(count=3, share=0.5)) == {"count": 3, "share": 0.5}


def test_what_is_null_is_not_there():
    assert plain(struct(jump=None, nodes=[{"name": "a", "address_ipv6": None}])) == {"nodes": [{"name": "a"}]}


def test_secrets_are_unwrapped_wherever_they_are():
    inner = {SIGNATURE: SECRET, "value": "k"}
    sent = struct(secrets={"kube_encrypt_token": inner}, names=["a", inner])
    assert plain(sent) == {"secrets": {"kube_encrypt_token": "k"}, "names": ["a", "k"]}
    assert secret_names(sent) == {"secrets", "names"}


def test_marks_survive_the_way_there_and_back():
    properties = {"kubeconfig": "text", "keys": {"ca.key": "pem"}, "endpoint": "https://a"}
    sent = marked(properties, {"kubeconfig", "keys", "not-there"})
    assert plain(sent) == properties
    assert secret_names(sent) == {"kubeconfig", "keys"}


def test_an_output_without_a_value_is_not_known_yet():
    sent = struct(address={SIGNATURE: OUTPUT}, user={SIGNATURE: OUTPUT, "value": "root", "secret": True})
    assert plain(sent) == {"address": UNKNOWN, "user": "root"}
    assert secret_names(sent) == {"user"}


def test_what_is_not_known_is_seen_at_any_depth():
    assert has_unknown({"nodes": [{"address": UNKNOWN}]})
    assert not has_unknown({"nodes": [{"address": "10.0.0.1"}], "count": 1})
