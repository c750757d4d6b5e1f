"""The administrator's kubeconfig: read from a control plane, and led to where the API is reached."""

import base64
from typing import Any

import yaml

from terp.errors import TerpError

PLACE = "/etc/kubernetes/admin.conf"
"""Where kubeadm writes it on every control plane."""


def led_to(kubeconfig: str, endpoint: str, name: str) -> str:
    """The kubeconfig with another server, `https://host:port`, and a context of this name.

    The certificate must have that host among its names; nothing is made less strict here.
    """
    document = _parsed(kubeconfig)
    cluster, user = document["clusters"][0], document["users"][0]
    context = f"admin@{name}"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {**cluster["cluster"], "server": endpoint}}],
            "users": [{"name": context, "user": user["user"]}],
            "contexts": [{"name": context, "context": {"cluster": name, "user": context}}],
            "current-context": context,
        },
        sort_keys=False,
    )


def ca_certificate(kubeconfig: str) -> str:
    """The PEM certificate of the CA that signed the API's."""
    data = _parsed(kubeconfig)["clusters"][0]["cluster"]["certificate-authority-data"]
    return base64.b64decode(data).decode()


def _parsed(kubeconfig: str) -> dict[str, Any]:
    document = yaml.safe_load(kubeconfig)
    if not isinstance(document, dict) or not document.get("clusters") or not document.get("users"):
        raise TerpError(f"{PLACE} is no kubeconfig", hint="the installer did not end well; run it again")
    return document
