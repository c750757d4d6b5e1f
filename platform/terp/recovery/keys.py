"""Whether keys open what they should: pure functions of what stands in the files."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
)

from terp.kubernetes.keys import ENCRYPTION, fingerprint
from terp.recovery.check import Check
from terp.recovery.contents import PRIVATE_KEY

AUTHORITIES = ("ca", "front-proxy-ca", "etcd-ca")
ACCOUNTS = "sa"
OPENSSH = "-----BEGIN OPENSSH"
LENGTH = 32
"""Bytes of a key of secretbox."""


def key_checks(parts: Mapping[str, str], now: datetime | None = None) -> Iterator[Check]:
    """What can be said of the keys among these parts by themselves."""
    at = now or datetime.now(UTC)
    for name in AUTHORITIES:
        certificate, key = parts.get(f"{name}.crt"), parts.get(f"{name}.key")
        if certificate is not None and key is not None:
            yield _checked(f"{name}.key signs for {name}.crt", partial(_authority, certificate, key, at))
    private_key, public_key = parts.get(f"{ACCOUNTS}.key"), parts.get(f"{ACCOUNTS}.pub")
    if private_key is not None and public_key is not None:
        yield _checked("sa.key signs what sa.pub verifies", partial(_pair, private_key, public_key))
    if PRIVATE_KEY in parts:
        yield _checked("the SSH key is a private key", partial(_ssh, parts[PRIVATE_KEY]))
    if ENCRYPTION in parts:
        yield _checked(f"{ENCRYPTION} is a key of secretbox", partial(_secretbox, parts[ENCRYPTION]))


def fingerprint_checks(parts: Mapping[str, str], recorded: Mapping[str, str]) -> Iterator[Check]:
    """Whether the keys are those of which a set has the fingerprints."""
    there = sorted(recorded.keys() & parts.keys())
    wrong = [name for name in there if fingerprint(parts[name]) != recorded[name]]
    if there:
        yield Check(
            what="the keys have the recorded fingerprints",
            said=f"{len(there)} keys",
            problem=f"{', '.join(wrong)}: another key" if wrong else "",
        )


def private(text: str) -> PublicKeyTypes:
    """The public part of a private key.

    Raises:
        ValueError: it is none.
    """
    load = load_ssh_private_key if text.startswith(OPENSSH) else load_pem_private_key
    return load(text.encode(), password=None).public_key()


def _checked(what: str, look: Callable[[], tuple[str, str]]) -> Check:
    """What is seen, and what is wrong with it."""
    try:
        said, problem = look()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return Check(
            what=what, problem=f"it cannot be read: {type(error).__name__}"
        )  # no more: it may be repeated
    return Check(what=what, said=said, problem=problem)


def _authority(certificate: str, key: str, now: datetime) -> tuple[str, str]:
    read = x509.load_pem_x509_certificate(certificate.encode())
    if problem := _same(private(key), read.public_key()):
        return "", problem
    said = f"its certificate ends in {(read.not_valid_after_utc - now).days} days"
    return said, "" if read.not_valid_after_utc > now else said


def _pair(private_key: str, public_key: str) -> tuple[str, str]:
    return "", _same(private(private_key), load_pem_public_key(public_key.encode()))


def _ssh(key: str) -> tuple[str, str]:
    return private(key).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode().split()[0], ""


def _secretbox(key: str) -> tuple[str, str]:
    length = len(key.strip().encode())
    return "", "" if length == LENGTH else f"it has {length} bytes instead of {LENGTH}"


def _same(one: PublicKeyTypes, other: PublicKeyTypes) -> str:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "" if one.public_bytes(*form) == other.public_bytes(*form) else "the key belongs to another"
