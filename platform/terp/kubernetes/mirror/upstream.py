"""Files and images from where they are published, verified; a host that refuses is asked once."""

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from terp.kubernetes.mirror.images import Images, blobs
from terp.kubernetes.mirror.layout import MANIFEST, ImageName
from terp.progress import Task
from terp.tools.download import CONNECT, FORBIDDEN, SILENCE, Downloads, RefusedError
from terp.tools.versions import Download

HOSTS = {"docker.io": "registry-1.docker.io"}
"""Of registries that are not where their name says."""
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
"""Of `WWW-Authenticate: Bearer realm="…",service="…"` (Distribution, token authentication)."""


class Upstream:
    """What is published; `scratch` keeps what came whole until it has its place."""

    def __init__(self, scratch: Path, architecture: str) -> None:
        self._downloads = Downloads(scratch)
        self._architecture = architecture
        self._refusals: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def file(self, url: str, sha256: str, target: Path, task: Task) -> None:
        """Fetch a file to its place.

        Raises:
            RefusedError: no source serves it, or what it serves is another file.
        """
        wanted = Download(name=target.name, url=url, sha256=sha256, files=())
        self._settle(self._downloads.fetch(wanted, task), target)

    def text(self, url: str) -> str:
        """A small file that has no checksum.

        Raises:
            RefusedError: it is not served.
        """
        return self._get(url, {}).text

    def image(self, name: ImageName, images: Images, task: Task) -> None:
        """Fetch an image for Linux of the architecture, with all its blobs.

        Raises:
            RefusedError: its registry does not serve it.
        """
        root = f"https://{HOSTS.get(name.registry, name.registry)}/v2/{name.path}"
        headers = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        answer = self._get(f"{root}/manifests/{name.tag}", headers)
        manifest: Mapping[str, Any] = answer.json()
        if "manifests" in manifest:
            digest = self._of_platform(manifest, name)
            answer = self._get(f"{root}/manifests/{digest}", headers)
            if hashlib.sha256(answer.content).hexdigest() != digest.removeprefix("sha256:"):
                raise RefusedError(f"{name}: the manifest is not {digest}")
            manifest = json.loads(answer.content)
        for digest, _ in blobs(manifest):
            target = images.root / name.blob(digest)
            if not target.exists():
                wanted = Download(
                    name=digest, url=f"{root}/blobs/{digest}", sha256=digest.removeprefix("sha256:"), files=()
                )
                self._settle(self._downloads.fetch(wanted, task, self._authorization(root)), target)
        images.write(name, manifest)

    def _of_platform(self, index: Mapping[str, Any], name: ImageName) -> str:
        for each in index["manifests"]:
            platform = each.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == ("linux", self._architecture):
                return str(each["digest"])
        raise RefusedError(f"{name} is not for linux/{self._architecture}")

    def _authorization(self, root: str) -> dict[str, str]:
        token = self._tokens.get(root)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _get(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """An answer, with the token that the host asks for."""
        root, host = url.partition("/manifests/")[0], urlsplit(url).netloc
        with self._lock:
            if refusal := self._refusals.get(host):
                raise RefusedError(refusal)
        limits = httpx.Timeout(SILENCE, connect=CONNECT)
        try:
            with httpx.Client(timeout=limits, follow_redirects=True) as client:
                answer = client.get(url, headers={**headers, **self._authorization(root)})
                asked = answer.headers.get("www-authenticate", "")
                if answer.status_code == httpx.codes.UNAUTHORIZED and asked.startswith("Bearer "):
                    self._tokens[root] = _token(client, dict(CHALLENGE.findall(asked)))
                    answer = client.get(url, headers={**headers, **self._authorization(root)})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._refused(host, f"{host} cannot be reached ({error})") from error
        except (httpx.HTTPError, ValueError) as error:
            raise RefusedError(f"{url}: {error or type(error).__name__}") from error
        if answer.status_code in FORBIDDEN:
            raise self._refused(host, f"{host} answers {answer.status_code}")
        if not answer.is_success:
            raise RefusedError(f"{url}: {answer.status_code} {answer.reason_phrase}")
        return answer

    def _refused(self, host: str, reason: str) -> RefusedError:
        with self._lock:
            self._refusals[host] = reason
        return RefusedError(reason)

    @staticmethod
    def _settle(file: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def _token(client: httpx.Client, challenge: dict[str, str]) -> str:
    realm = challenge.pop("realm", "")
    if not realm.startswith("https://"):
        raise ValueError(f"a registry asks for a token from {realm!r}")
    given = client.get(realm, params=challenge).raise_for_status().json()
    return str(given.get("token") or given["access_token"])
