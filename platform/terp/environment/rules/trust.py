"""What nodes trust: people's keys, certificates, the time."""

import base64
import binascii
import re
import ssl
from collections.abc import Iterator
from ipaddress import ip_address

from terp.environment.environment import Environment
from terp.environment.fields import DOMAIN_NAME
from terp.environment.findings import Finding, Key

SMALLEST_RSA = 2048
"""Bits; NIST SP 800-131A rev. 2 disallows less."""
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
NEW_KEY = "a new one: ssh-keygen -t ed25519; its public part is in the file that ends with .pub"


def public_keys_are_whole(environment: Environment) -> Iterator[Finding]:
    """They decode to what they say they are, and are strong."""
    for place, key in enumerate(environment.access.ssh.public_keys):
        if problem := _problem(key):
            yield Finding(key=("access", "ssh", "public_keys", place), message=problem, suggestion=NEW_KEY)


def _problem(public_key: str) -> str:
    kind, encoded = public_key.split()[:2]
    try:
        fields = _fields(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return "the key is cut off, or a line break has come into it"
    if not fields or fields[0] != kind.encode():
        return f"the key is no {kind} key inside: the first word does not belong to it"
    if kind == "ssh-rsa" and len(fields) == 3:
        bits = int.from_bytes(fields[2], "big").bit_length()
        return f"an RSA key of {bits} bits is too weak; {SMALLEST_RSA} or more" if bits < SMALLEST_RSA else ""
    return "" if len(fields) >= 2 else "the key is cut off"


def _fields(blob: bytes) -> list[bytes]:
    """The strings of a key, each after its length in four bytes (RFC 4253, 6.6).

    Raises:
        ValueError: the last one is not whole.
    """
    fields = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise ValueError("cut off")
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return fields


def certificates_can_be_read(environment: Environment) -> Iterator[Finding]:
    """PEM certificates of authorities, and no private key among them."""
    oidc = environment.kubernetes.oidc
    yield from _certificates(("access", "trusted_ca"), environment.access.trusted_ca)
    yield from _certificates(("kubernetes", "oidc", "ca"), oidc.ca if oidc else None)
    if environment.recovery:
        yield from _certificates(("recovery", "s3", "ca"), environment.recovery.s3.ca)


def _certificates(key: Key, pem: str | None) -> Iterator[Finding]:
    if pem is None:
        return
    if "PRIVATE KEY-----" in pem:
        yield Finding(
            key=key,
            message="a private key is among the certificates: it would go to every node",
            suggestion="take it out, and make a new one: it has been in a file that is shared",
        )
        return
    for number, certificate in enumerate(CERTIFICATE.findall(pem) or [pem], start=1):
        if problem := _unread(certificate):
            yield Finding(
                key=key,
                message=f"certificate {number} {problem[0]}",
                suggestion=problem[1],
            )


def _unread(certificate: str) -> tuple[str, str] | None:
    """What is wrong with a certificate, and what would be right."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        return (
            "cannot be read",
            'whole blocks, indented below the key and "|"; see: openssl x509 -noout -text',
        )
    there = context.cert_store_stats()
    if there["x509_ca"]:
        return None
    return "is not that of an authority (CA:TRUE is missing)", "that of the authority which has signed it"


def time_servers_have_names(environment: Environment) -> Iterator[Finding]:
    """A DNS name or an address each."""
    for place, name in enumerate(environment.access.time_servers):
        if not re.fullmatch(DOMAIN_NAME, name.lower()) and not _is_address(name):
            yield Finding(
                key=("access", "time_servers", place),
                message=f'"{name}" is no DNS name and no address',
                suggestion='the name alone, for example "ntp.example.org"',
            )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def recipients_are_whole(environment: Environment) -> Iterator[Finding]:
    """What encrypts recovery sets has its checksum right: nobody could open what a misspelt key closes."""
    from pyrage import RecipientError, x25519  # others save its time

    recovery = environment.recovery
    for place, recipient in enumerate(recovery.recipients if recovery else ()):
        try:
            x25519.Recipient.from_str(recipient)
        except RecipientError:
            yield Finding(
                key=("recovery", "recipients", place),
                message="the key is misspelt: its checksum does not fit",
                suggestion="copy it anew: it stands in the file of its private key, after `public key:`",
            )


TRUST = (public_keys_are_whole, certificates_can_be_read, time_servers_have_names, recipients_are_whole)
