"""The keys that a cluster cannot be without: kept outside of it, and known by their fingerprints.

The key that encrypts Secrets in etcd is made before the cluster. The others are made with it (by kubeadm and
for etcd) and are read from the first control plane afterwards. Whoever loses one of them loses the data, or
must replace every credential; a host that has another than the recorded one belongs to another cluster.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from terp.errors import TerpError

ENCRYPTION = "kube_encrypt_token"
"""Kubespray's variable of the key that encrypts Secrets."""
CERTIFICATES = ("/etc/kubernetes/pki", "/etc/kubernetes/ssl")
"""Folders of kubeadm and of Kubespray v2.31.0; the first that has a file counts."""
ETCD = "/etc/ssl/etcd/ssl"
"""Folder of etcd's certificates where it does not run under kubeadm (Kubespray v2.31.0)."""
PLACES: Mapping[str, tuple[str, ...]] = {
    **{
        name: tuple(f"{folder}/{name}" for folder in CERTIFICATES)
        for name in ("ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key")
    },
    "etcd-ca.crt": (f"{ETCD}/ca.pem", "/etc/kubernetes/pki/etcd/ca.crt"),
    "etcd-ca.key": (f"{ETCD}/ca-key.pem", "/etc/kubernetes/pki/etcd/ca.key"),
}
"""Where each key is, by its name here."""
CONFIGURATIONS = tuple(f"{folder}/secrets_encryption.yaml" for folder in CERTIFICATES)
"""Where the API server's EncryptionConfiguration is."""
PRINTED = {**PLACES, ENCRYPTION: CONFIGURATIONS}


class WrongKeyError(TerpError):
    """The hosts have other keys than the recorded ones."""


def fingerprint(key: str) -> str:
    """SHA-256 of a key, which tells it from others and nothing about it."""
    return hashlib.sha256(key.strip().encode()).hexdigest()


def fingerprints(keys: Mapping[str, str]) -> dict[str, str]:
    """The fingerprint of each."""
    return {name: fingerprint(key) for name, key in sorted(keys.items())}


def printing_keys() -> str:
    """A script that prints each key that a host has: its name, and it in base64."""
    return "".join(_print_first(name, places) for name, places in PRINTED.items())


def keys_of(printed: Mapping[str, str], host: str) -> dict[str, str]:
    """The keys among what such a script printed, by name; none of a host without a cluster.

    Raises:
        TerpError: the host's EncryptionConfiguration cannot be read.
    """
    found = {name: printed[name] for name in PLACES if name in printed}
    if ENCRYPTION in printed and (key := _encryption_key(printed[ENCRYPTION], host)):
        found[ENCRYPTION] = key
    return found


def check_keys(recorded: Mapping[str, str], found: Mapping[str, str], host: str) -> None:
    """Stop where a host has another key than the recorded one; both are fingerprints by name.

    Raises:
        WrongKeyError: it has (exit code 2): a run would mix two clusters, or make data unreadable.
    """
    wrong = [name for name in sorted(recorded.keys() & found.keys()) if recorded[name] != found[name]]
    if wrong:
        raise WrongKeyError(
            f"{host} has another {', '.join(wrong)} than the cluster that is recorded",
            hint="no run has begun; either this host belongs to another cluster, or its keys were replaced "
            "by hand: put back the recorded ones (stack output `keys`)",
            exit_code=2,
        )


def _print_first(name: str, places: tuple[str, ...]) -> str:
    return (
        f"for file in {' '.join(places)}; do\n"
        f'  if [ -s "$file" ]; then echo "{name} $(base64 -w0 "$file")"; break; fi\n'
        "done\n"
    )


def _encryption_key(configuration: str, host: str) -> str | None:
    """The first key of an EncryptionConfiguration (apiserver.config.k8s.io/v1): the one that encrypts."""
    try:
        document: Any = yaml.safe_load(configuration)
        for resource in document.get("resources", ()):
            for provider in resource.get("providers", ()):
                for settings in provider.values():
                    for key in settings.get("keys", ()):
                        return base64.b64decode(key["secret"]).decode()
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TerpError(
            f"{host} has no readable EncryptionConfiguration in {' or '.join(CONFIGURATIONS)}: "
            f"{type(error).__name__}",  # no more of it: it may hold the key
            hint="no run has begun; put the file right, or take that of another node of the control plane",
            exit_code=2,
        ) from None
    return None
