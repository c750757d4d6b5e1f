from datetime import timedelta

import pytest
from tests.unit.recovery.samples import NOW, authority, pair, ssh_key, texts

from terp.kubernetes.keys import ENCRYPTION, fingerprints
from terp.recovery.contents import PRIVATE_KEY
from terp.recovery.keys import fingerprint_checks, key_checks

PARTS = texts()


def problems(**changed: str) -> dict[str, str]:
    parts = {
        **PARTS,
        **{name.replace("__", ".").replace("_ca", "-ca"): text for name, text in changed.items()},
    }
    return {check.what: check.problem for check in key_checks(parts, NOW) if check.problem}


def test_keys_that_belong_together_are_told_of():
    checks = list(key_checks(PARTS, NOW))
    assert [check.what for check in checks if check.problem] == []
    assert len(checks) == 6


@pytest.mark.parametrize("name", ["ca", "etcd_ca"])
def test_a_certificate_of_another_authority_is_found(name: str):
    shown = name.replace("_", "-")
    assert problems(**{f"{name}__crt": authority()["crt"]}) == {
        f"{shown}.key signs for {shown}.crt": "the key belongs to another"
    }


def test_a_public_key_of_another_pair_is_found():
    assert problems(sa__pub=pair()["pub"]) == {
        "sa.key signs what sa.pub verifies": "the key belongs to another"
    }


def test_a_certificate_that_has_ended_is_found():
    ended = authority(end=NOW - timedelta(days=2))
    assert problems(ca__crt=ended["crt"], ca__key=ended["key"]) == {
        "ca.key signs for ca.crt": "its certificate ends in -2 days"
    }


def test_a_key_that_cannot_be_read_is_told_of_without_repeating_it():
    broken = PARTS["ca.key"].replace("\n", "", 1)[:100]
    found = problems(ca__key=broken)
    assert list(found) == ["ca.key signs for ca.crt"]
    assert found["ca.key signs for ca.crt"].startswith("it cannot be read: ")
    assert broken[40:60] not in str(found)


def test_a_key_of_secretbox_has_32_bytes():
    assert problems(**{ENCRYPTION: "short"}) == {
        f"{ENCRYPTION} is a key of secretbox": "it has 5 bytes instead of 32"
    }


def test_the_ssh_key_is_none_when_it_is_cut_off():
    cut = ssh_key()[:120]
    assert list(problems(**{PRIVATE_KEY: cut})) == ["the SSH key is a private key"]


def test_another_key_has_another_fingerprint():
    recorded = fingerprints({name: PARTS[name] for name in ("ca.key", "sa.key")})
    (good,) = fingerprint_checks(PARTS, recorded)
    assert (good.said, good.problem) == ("2 keys", "")
    (bad,) = fingerprint_checks({**PARTS, "sa.key": pair()["key"]}, recorded)
    assert bad.problem == "sa.key: another key"
