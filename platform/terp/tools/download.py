"""Release files of tools: fetched once, pinned by sha256, from a site's own mirror or from upstream."""

import os
import tarfile
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

import httpx

from terp.errors import TerpError
from terp.progress import Task
from terp.tools.store import file_digest
from terp.tools.versions import Download

MIRROR = "TERP_TOOLS_MIRROR"
"""Environment: address of a site's mirror; it has each release file under `<host>/<path>` of its address."""
CONNECT = 3.0
"""Seconds to reach a host."""
SILENCE = 30.0
"""Seconds that a host may say nothing."""
WHOLE = 1200.0
"""Seconds for one file."""
AS_IT_IS = {"Accept-Encoding": "identity"}
"""The checksum is over the file, not over what a server makes of it on the way."""
FORBIDDEN = frozenset({401, 403, 407, 451})
"""Answers that a host, or a proxy before it, gives to everything."""


class RefusedError(TerpError):
    """No source serves the file; a build may take its place."""


class Downloads:
    """Fetches release files; a host that refuses is not asked again."""

    def __init__(self, directory: Path) -> None:
        self.over = threading.Event()
        """Ends all downloads."""
        self._directory = directory
        self._mirror = os.environ.get(MIRROR, "").rstrip("/")
        self._refusals: dict[str, str] = {}
        self._lock = threading.Lock()
        self._files: dict[str, threading.Lock] = {}

    def fetch(self, wanted: Download, task: Task, headers: Mapping[str, str] | None = None) -> Path:
        """The file, verified; `headers` are for upstream alone.

        Raises:
            RefusedError: with the reason of each source.
        """
        url, sha256 = wanted.url, wanted.sha256
        with self._lock:
            turn = self._files.setdefault(sha256, threading.Lock())
        with turn:  # two tools may come in one archive
            file = self._directory / sha256
            if file.exists() and file_digest(file) == sha256:
                return file
            reasons = []
            for source in self._sources(url):
                try:
                    self._fetch(source, sha256, file, task, (source == url and headers) or {})
                except RefusedError as refusal:
                    reasons.append(refusal.message)
                else:
                    return file
            raise RefusedError("; ".join(reasons))

    def _sources(self, url: str) -> list[str]:
        parts = urlsplit(url)
        mirrored = [f"{self._mirror}/{parts.netloc}{parts.path}"] if self._mirror else []
        return [*mirrored, url]

    def _fetch(self, url: str, sha256: str, file: Path, task: Task, headers: Mapping[str, str]) -> None:
        host = urlsplit(url).netloc
        with self._lock:
            refusal = self._refusals.get(host)
        if refusal:
            raise RefusedError(refusal)
        self._directory.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{sha256}.{os.getpid()}.partial")
        limits = httpx.Timeout(SILENCE, connect=CONNECT)
        try:
            with (
                httpx.Client(
                    timeout=limits, follow_redirects=True, headers={**headers, **AS_IT_IS}
                ) as client,
                client.stream("GET", url) as answer,
                partial.open("wb") as out,
            ):
                if answer.status_code in FORBIDDEN:
                    raise self._remember(host, f"{host} answers {answer.status_code}")
                if not answer.is_success:
                    raise RefusedError(f"{url}: {answer.status_code} {answer.reason_phrase}")
                self._write(answer, out, task)
            if (found := file_digest(partial)) != sha256:
                raise RefusedError(f"{url} has sha256 {found}, not {sha256}: thrown away")
            partial.replace(file)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._remember(host, f"{host} cannot be reached ({_said(error)})") from error
        except httpx.HTTPError as error:
            raise RefusedError(f"{url}: {_said(error)}") from error
        finally:
            partial.unlink(missing_ok=True)

    def _write(self, answer: httpx.Response, out: IO[bytes], task: Task) -> None:
        size = int(answer.headers.get("content-length", 0))
        end = time.monotonic() + WHOLE
        done = 0
        for part in answer.iter_raw():
            done += out.write(part)
            if self.over.is_set():
                raise InterruptedError("downloads were ended")
            if time.monotonic() > end:
                raise httpx.ReadTimeout(f"not complete after {WHOLE:.0f} s")
            task.update(f"{done / 1e6:.0f} MB from {answer.url.host}", done / size if size else None)

    def _remember(self, host: str, reason: str) -> RefusedError:
        with self._lock:
            self._refusals[host] = reason
        return RefusedError(reason)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def unpack(archive: Path, wanted: Download, into: Path) -> None:
    """Take the tool's files out of its verified archive.

    Raises:
        RefusedError: one of them is not in it, or is no plain file.
    """
    url = wanted.url
    if not wanted.files:
        (into / wanted.name).write_bytes(archive.read_bytes())
        return
    for name in wanted.files:
        target = into / PurePosixPath(name).name
        try:
            if url.endswith(".zip"):
                with zipfile.ZipFile(archive) as packed:
                    target.write_bytes(packed.read(name))
            else:
                with tarfile.open(archive) as packed_tar, target.open("wb") as out:
                    _copy(packed_tar.extractfile(name), out)
        except (KeyError, tarfile.TarError, zipfile.BadZipFile, TypeError) as error:
            raise RefusedError(f"{url}: no usable file {name}: {error}") from error


def _copy(source: IO[bytes] | None, out: IO[bytes]) -> None:
    if source is None:
        raise TypeError("it is no plain file")
    while part := source.read(1 << 20):
        out.write(part)
