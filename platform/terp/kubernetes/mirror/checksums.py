"""What a run must know of a mirror: checksums of files that are not upstream's.

They go over Kubespray's own ones, for these very addresses alone.
"""

from collections.abc import Mapping

import httpx
from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.mirror.layout import OWN, read_sums

LIMIT = httpx.Timeout(15.0, connect=3.0)


def own_checksums(mirror: str) -> dict[str, str]:
    """SHA-256 by address of what a mirror has of its own; none of a mirror that does not say.

    Raises:
        TerpError: the mirror does not answer.
    """
    origin = mirror.rstrip("/")
    try:
        answer = httpx.get(f"{origin}/{OWN}", timeout=LIMIT, trust_env=False)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        text = answer.raise_for_status().text
    except httpx.HTTPError as error:
        raise TerpError(f"the mirror {origin} cannot be asked from here: {error or type(error)}") from error
    return {f"{origin}/{path}": sha256 for path, sha256 in read_sums(text).items()}


def with_own(entries: Mapping[str, JsonValue], own: Mapping[str, str]) -> dict[str, JsonValue]:
    """Kubespray's `downloads`, rendered, with the checksums of a mirror's own files."""
    return {name: _with_own(entry, own) for name, entry in entries.items()}


def _with_own(entry: JsonValue, own: Mapping[str, str]) -> JsonValue:
    if isinstance(entry, dict) and isinstance(url := entry.get("url"), str) and url in own:
        return {**entry, "checksum": f"sha256:{own[url]}"}
    return entry
