"""Argo CD's controller and repo server beside the control plane, with our settings.

Flags and variables: Argo CD 3.5.
"""

import json
from collections.abc import Mapping

import httpx
import yaml

from terp.gitops.application import NAMESPACE
from terp.paths import PROJECT
from tests.integration.gitops.control_plane import ControlPlane
from tests.integration.gitops.processes import free_port

VALUES = PROJECT / "charts" / "argo-cd" / "values.yaml"
NEEDED = ("CustomResourceDefinition", "ConfigMap", "Secret")
"""What of Argo CD's manifests its processes need outside of a cluster."""
HEALTH = "resource.customizations.health.argoproj.io_Application"
DEFAULT_PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}
"""The one that Argo CD's server makes."""


class ArgoCd:
    """The two roles that deploy; both get more variables if there are some."""

    def __init__(self, cluster: ControlPlane, variables: Mapping[str, str] | None = None) -> None:
        self.cluster, self._processes = cluster, cluster.processes
        self._variables = variables or {}

    def start(self) -> None:
        self._install()
        redis, repository = free_port(), free_port()
        self._processes.start("redis", "redis", {"port": redis})
        common = {"redis": f"127.0.0.1:{redis}", "metrics-port": free_port()}
        flags = {
            **common,
            "address": "127.0.0.1",
            "port": repository,
            "metrics-address": "127.0.0.1",
            "disable-tls": "true",
            "client-ca-path": "",
        }
        self._start("repo-server", flags)
        flags = {
            **common,
            "metrics-port": free_port(),
            "namespace": NAMESPACE,
            "repo-server": f"127.0.0.1:{repository}",
            "repo-server-plaintext": "true",
        }
        self._start("application-controller", flags)

    def refresh(self, application: str) -> None:
        """Have it look at git at once."""
        note = {"argocd.argoproj.io/refresh": "normal"}
        self.cluster.patch("application", application, {"metadata": {"annotations": note}})

    @property
    def manifests(self) -> str:
        """Its own, as upstream has them."""
        return self._processes.toolchain.path("install.yaml").read_text()

    def _install(self) -> None:
        upstream = yaml.load_all(self.manifests, yaml.CSafeLoader)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self.cluster.apply([namespace, *(each for each in upstream if each["kind"] in NEEDED)])
        self.cluster.apply([DEFAULT_PROJECT])
        self.cluster.patch("configmap", "argocd-cm", {"data": _settings()})
        self.cluster.patch("secret", "argocd-secret", {"stringData": {"server.secretkey": "of the test"}})

    def _start(self, role: str, flags: Mapping[str, object]) -> None:
        home = self._processes.root / role
        env = {
            "ARGOCD_BINARY_NAME": f"argocd-{role}",
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_APPLICATION_CONTROLLER_SERVER_SIDE_DIFF": "true",  # as configs.params has it
            "KUBECONFIG": str(self.cluster.kubeconfig),
            **self._variables,
        }
        folders = ("TMPDIR", "ARGOCD_TLS_DATA_PATH", "ARGOCD_SSH_DATA_PATH", "ARGOCD_PLUGINSOCKFILEPATH")
        for folder in folders:
            (home / folder).mkdir(parents=True)
            env[folder] = str(home / folder)
        self._processes.start(role, "argocd", flags, env)
        with httpx.Client() as client:
            healthy = f"http://127.0.0.1:{flags['metrics-port']}/healthz"
            self._processes.wait_for(f"Argo CD's {role}", client, healthy)


def _settings() -> Mapping[str, str]:
    """Ours, as the chart of Argo CD takes them."""
    found = yaml.safe_load(VALUES.read_text())["configs"]["cm"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
