"""A gathered environment with genuine keys, whose state and snapshot are but bytes."""

import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from pyrage.x25519 import Identity
from typer.testing import CliRunner, Result

from terp.cli import app
from terp.errors import TerpError
from terp.kubernetes.keys import ENCRYPTION, fingerprints
from terp.paths import PROJECT
from terp.recovery import contents
from terp.recovery.contents import Layer, parts_of
from terp.recovery.gathering import Gathered
from terp.recovery.manifest import Manifest, Sealed

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LAYERS: tuple[Layer, ...] = ("cloud", "cluster", "encryption")
KEY = Identity.generate()
OTHER = Identity.generate()


def authority(end: datetime = NOW + timedelta(days=3650)) -> dict[str, str]:
    """A key, and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=7300))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return {"key": private(key), "crt": certificate.public_bytes(Encoding.PEM).decode()}


def pair() -> dict[str, str]:
    """A key, and its public part."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"key": private(key), "pub": public.decode()}


def private(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def ssh_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def texts() -> dict[str, str]:
    """Every part that is text and no engine's."""
    keys = {
        f"{name}.{kind}": text
        for name in ("ca", "front-proxy-ca", "etcd-ca")
        for kind, text in authority().items()
    }
    accounts = {f"sa.{kind}": text for kind, text in pair().items()}
    return {
        **keys,
        **accounts,
        ENCRYPTION: "k" * 32,
        contents.PRIVATE_KEY: ssh_key(),
        contents.PASSPHRASE: "a passphrase",
        contents.STACK_FILE: (PROJECT / "stacks" / "Pulumi.sandbox.yaml").read_text(),
        contents.STATE: "{}",
    }


def work_tree(folder: Path) -> Path:
    """A small one of git."""
    for name in ("Pulumi.yaml", "platform/__main__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text\n")
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "First")):
        mine = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(folder), *mine, *command], check=True, timeout=60)
    return folder


def gathered(folder: Path, parts: dict[str, str], created: datetime = NOW) -> Gathered:
    """As `gather` leaves it; the work tree and the snapshot have to be added."""
    found = Gathered(folder, created, revision="0" * 40, layers=list(LAYERS), etcd_revision=7)
    for name, text in parts.items():
        found.add(name, text)
    names = {part.name for part in parts_of(("cluster", "encryption"))}
    found.fingerprints = fingerprints({name: text for name, text in parts.items() if name in names})
    return found


def manifest(created: datetime = NOW, objects: Iterable[str] | None = None) -> Manifest:
    """One of a cloud alone, with objects that are nowhere."""
    names = [part.name for part in parts_of(("cloud",))] if objects is None else objects
    return Manifest(
        stack="lab",
        created=created,
        layers=("cloud",),
        revision="0" * 40,
        recipients=(str(KEY.to_public()),),
        objects={name: Sealed(sha256=f"{place:064x}", size=1) for place, name in enumerate(names)},
    )


def run(*arguments: str, code: int = 0) -> Result:
    """`terp backup`, with its errors as they are."""
    result = CliRunner().invoke(app, ["backup", *arguments])
    if isinstance(result.exception, TerpError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result
