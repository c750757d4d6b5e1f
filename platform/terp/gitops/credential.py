"""The Secrets that Argo CD must find: what opens our repository, and its Redis.

argo-cd 3.5: "Declarative Setup", repositories; argocd admin redis-initial-password.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from terp.environment.platform import GitRepository
from terp.errors import TerpError
from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.references.things import Manifest

REDIS = "argocd-redis"
KEY = "-----BEGIN"
"""How a private key begins; anything else is a password or a token."""


def read_credential(git: GitRepository) -> str:
    """The content of the file that the environment names; empty when it names none.

    Raises:
        TerpError: it cannot be read, or has nothing in it (exit code 2).
    """
    if git.credential is None:
        return ""
    file = Path(git.credential).expanduser()
    try:
        found = file.read_text()
    except OSError as error:
        raise TerpError(f"platform.git.credential: {file}: {error.strerror}", exit_code=2) from error
    if not found.strip():
        raise TerpError(f"platform.git.credential: {file} is empty", exit_code=2)
    return found


def repository_secret(git: GitRepository, credential: str) -> Manifest:
    """The Secret by which Argo CD reads our repository: a private key, or a user's password."""
    opens = (
        {"sshPrivateKey": credential}
        if credential.startswith(KEY)
        else {"username": git.username, "password": credential.strip()}
    )
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    return _secret(f"repository-{ROOT}", {"type": "git", "url": git.repository, **opens}, labels)


def redis_secret() -> Manifest:
    """A password for Argo CD's Redis, made at random: to be applied once."""
    return _secret(REDIS, {"auth": secrets.token_urlsafe(24)})


def _secret(name: str, data: Mapping[str, str], labels: Mapping[str, str] = MappingProxyType({})) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels)},
        "stringData": dict(data),
    }
