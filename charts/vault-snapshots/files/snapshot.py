"""Take a snapshot of Vault or OpenBao, put it into S3, and take away the oldest.

Runs with what Python has alone. Requests to S3 are signed as AWS has it (Signature Version 4).
"""

import hashlib
import hmac
import json
import os
import ssl
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
LIMIT = 600.0
PREFIX = "raft-"


class Keys(NamedTuple):
    """Of a user of S3."""

    access: str
    secret: str


class Asked(NamedTuple):
    """What is asked of S3."""

    method: str
    path: str
    query: Mapping[str, str]
    digest: str
    """SHA-256 of what is sent."""


def signed(asked: Asked, host: str, keys: Keys, region: str, now: datetime) -> dict[str, str]:
    """Headers that prove who asks."""
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": asked.digest, "x-amz-date": moment}
    names = ";".join(headers)
    canonical = "\n".join(
        (
            asked.method,
            quote(asked.path),
            urlencode(sorted(asked.query.items()), quote_via=quote),
            *(f"{name}:{value}" for name, value in headers.items()),
            "",
            names,
            asked.digest,
        )
    )
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    proof = f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": proof}


class Bucket:
    """A bucket, by path."""

    def __init__(self, address: str, name: str, keys: Keys, authority: Path, region: str) -> None:
        self._address, self._name, self._keys, self._region = address.rstrip("/"), name, keys, region
        self._context = context(address, authority)

    def call(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        body: BinaryIO | None = None,
    ) -> bytes:
        """What it answers."""
        digest = _digest(body)
        asked = Asked(method, f"/{self._name}/{key}".rstrip("/"), query or {}, digest)
        url = f"{self._address}{quote(asked.path)}"
        if asked.query:
            url += "?" + urlencode(sorted(asked.query.items()), quote_via=quote)
        host = urlsplit(self._address).netloc
        headers = signed(asked, host, self._keys, self._region, datetime.now(UTC))
        if body:
            headers["Content-Length"] = str(body.seek(0, os.SEEK_END))
            body.seek(0)
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 (ours)
        with urllib.request.urlopen(  # noqa: S310 (the chart's address)
            request, timeout=LIMIT, context=self._context
        ) as answer:
            found: bytes = answer.read()
            return found

    def names(self, prefix: str) -> list[str]:
        """Of the objects in it, up to a thousand, in the order of the alphabet."""
        answer = self.call("GET", query={"list-type": "2", "prefix": prefix})
        tree = ElementTree.fromstring(answer)  # noqa: S314 (of our own S3)
        return sorted(each.text or "" for each in tree.iter() if each.tag.rpartition("}")[2] == "Key")


def _digest(body: BinaryIO | None) -> str:
    found = hashlib.sha256()
    while part := body.read(1 << 20) if body else b"":
        found.update(part)
    return found.hexdigest()


def context(address: str, authority: Path) -> ssl.SSLContext | None:
    """That of TLS, if the address has it: our authority if there is one, else those of the system."""
    if not address.startswith("https://"):
        return None
    return ssl.create_default_context(cafile=authority if authority.exists() else None)


def snapshot(server: str, authority: Path, account: str, into: BinaryIO) -> None:
    """Log in as the account, and have the snapshot of all that is kept."""
    trusted = context(server, authority)
    body = json.dumps({"role": "vault-snapshots", "jwt": account}).encode()
    login = urllib.request.Request(f"{server}/v1/auth/kubernetes/login", body, method="POST")  # noqa: S310
    with urllib.request.urlopen(login, timeout=LIMIT, context=trusted) as answer:  # noqa: S310
        token: str = json.load(answer)["auth"]["client_token"]
    asked = urllib.request.Request(f"{server}/v1/sys/storage/raft/snapshot")  # noqa: S310
    asked.add_header("X-Vault-Token", token)
    with urllib.request.urlopen(asked, timeout=LIMIT, context=trusted) as answer:  # noqa: S310
        while part := answer.read(1 << 20):
            into.write(part)


def surplus(names: Sequence[str], keep: int) -> Sequence[str]:
    """The oldest: names have the time in them."""
    return sorted(names)[: max(0, len(names) - keep)]


def main() -> int:
    """The exit code."""
    server, s3 = os.environ["SERVER"].rstrip("/"), os.environ["S3"]
    keys = Keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    bucket = Bucket(
        s3,
        os.environ["BUCKET"],
        keys,
        Path("/bundle/ca-certificates.crt"),
        os.environ.get("AWS_REGION", "us-east-1"),
    )
    name = f"{PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}.snap"
    try:
        with cast("BinaryIO", tempfile.TemporaryFile()) as file:
            snapshot(server, Path("/tls/ca.crt"), ACCOUNT.read_text(), file)
            size = file.tell()
            file.seek(0)
            bucket.call("PUT", name, body=file)
        for old in surplus(bucket.names(PREFIX), int(os.environ["KEEP"])):
            bucket.call("DELETE", old)
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{name}: {size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
