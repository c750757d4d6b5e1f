"""The API of a cluster, as the checks use it. Every request and every wait has a limit."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.stream import portforward
from websocket import setdefaulttimeout

from terp.environment.nodes import Taint
from terp.errors import TerpError
from terp.kubernetes.acceptance import dns
from terp.kubernetes.acceptance.judgement import SeenPod, Storage
from terp.kubernetes.acceptance.workloads import PORT, Manifest
from terp.kubernetes.model import SeenNode

LIMIT = 10.0
"""Seconds for one request."""
SYSTEM = "kube-system"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class SilentError(TerpError):
    """Something did not happen in time."""


class _Client(client.ApiClient):
    """With a limit for requests that bring none."""

    def call_api(self, *args: Any, _request_timeout: float | None = None, **more: Any) -> Any:  # noqa: ANN401
        return super().call_api(*args, _request_timeout=_request_timeout or LIMIT, **more)


class Api:
    """The API that a kubeconfig leads to.

    Raises:
        TerpError: the kubeconfig is none, or the API does not answer or does not know its user.
    """

    def __init__(self, kubeconfig: str) -> None:
        configuration = client.Configuration(retries=0)
        try:
            config.load_kube_config_from_dict(
                yaml.safe_load(kubeconfig), client_configuration=configuration, persist_config=False
            )
        except (config.ConfigException, yaml.YAMLError, TypeError, AttributeError) as error:
            raise TerpError(f"this is no kubeconfig: {error}", exit_code=2) from error
        setdefaulttimeout(LIMIT)  # of the connections that lead to ports of pods
        self.server = configuration.host
        self._client = _Client(configuration)
        self.core = client.CoreV1Api(self._client)
        self.apps = client.AppsV1Api(self._client)
        self.storage = client.StorageV1Api(self._client)
        self.objects = client.CustomObjectsApi(self._client)
        self.networking = client.NetworkingV1Api(self._client)
        try:
            self.version: str = client.VersionApi(self._client).get_code().git_version.removeprefix("v")
            self.core.list_namespace(limit=1)
        except client.ApiException as error:
            raise TerpError(
                f"the API at {self.server} refuses: {error.status} {error.reason}",
                hint="is the kubeconfig's user an administrator, and its certificate still valid?",
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TerpError(
                f"the API at {self.server} does not answer: {getattr(error, 'reason', error)}",
                hint="is the cluster there, and its endpoint reachable from here?",
            ) from error

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def said(self, path: str) -> str:
        """The text of a path such as `/readyz?verbose`, also when it is bad news."""
        request = self._client.param_serialize(
            "GET", path, header_params={"Accept": "*/*"}, auth_settings=["BearerToken"]
        )
        answer = self._client.call_api(*request)
        return str(answer.read().decode())

    def answer(
        self, method: str, path: str, body: object = None, form: str = "application/apply-patch+yaml"
    ) -> tuple[int, Any]:
        """Status and JSON of any request, also when it is bad news; `form` is the media type of a body.

        Raises:
            SilentError: it does not answer.
        """
        headers = {"Accept": "application/json", **({"Content-Type": form} if body is not None else {})}
        text = body if body is None or "json" in form else json.dumps(body)  # the client writes JSON alone
        method, url, headers, *_ = self._client.param_serialize(
            method, path, header_params=headers, auth_settings=["BearerToken"]
        )
        try:
            answer = self._client.call_api(method, url, headers, text)
            said = answer.read()
        except (client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise SilentError(f"the API at {self.server} does not answer any more: {reason}") from error
        try:
            return answer.status, json.loads(said)
        except ValueError:  # paths that are not served are answered in plain words
            return answer.status, {"message": said.decode(errors="replace").strip()}

    def nodes(self) -> dict[str, SeenNode]:
        """The nodes by name."""
        return {item.metadata.name: _node(item) for item in self.core.list_node().items}

    def images(self) -> dict[str, frozenset[str]]:
        """Names of the images that nodes say they have, by node."""
        return {
            item.metadata.name: frozenset(
                name for image in item.status.images or () for name in image.names or ()
            )
            for item in self.core.list_node().items
        }

    def pods(self, namespace: str) -> dict[str, SeenPod]:
        """The pods of a namespace by name."""
        return {item.metadata.name: _pod(item) for item in self.core.list_namespaced_pod(namespace).items}

    def system_images(self) -> list[tuple[str, str]]:
        """Pods of the system with their first image."""
        listed = self.core.list_namespaced_pod(SYSTEM).items
        return [(item.metadata.name, item.spec.containers[0].image) for item in listed]

    def short_of_pods(self) -> list[str]:
        """Deployments and DaemonSets of the system that have not all their pods."""
        deployments = {
            item.metadata.name: (item.status.available_replicas or 0, item.spec.replicas)
            for item in self.apps.list_namespaced_deployment(SYSTEM).items
        }
        daemon_sets = {
            item.metadata.name: (item.status.number_available or 0, item.status.desired_number_scheduled)
            for item in self.apps.list_namespaced_daemon_set(SYSTEM).items
        }
        return [
            f"{name}: {available} of {wanted} pods available"
            for name, (available, wanted) in {**deployments, **daemon_sets}.items()
            if available < wanted
        ]

    def daemon_sets(self) -> list[str]:
        """Names of all DaemonSets."""
        return [item.metadata.name for item in self.apps.list_daemon_set_for_all_namespaces().items]

    def storage_classes(self) -> list[Storage]:
        """The StorageClasses."""
        return [
            Storage(
                name=item.metadata.name,
                provisioner=item.provisioner,
                default=(item.metadata.annotations or {}).get(DEFAULT_CLASS) == "true",
            )
            for item in self.storage.list_storage_class().items
        ]

    def service_address(self, name: str, namespace: str) -> str:
        """The address of a Service in the cluster."""
        return str(self.core.read_namespaced_service(name, namespace).spec.cluster_ip)

    def dns_configuration(self) -> str:
        """The configuration of the cluster's CoreDNS; empty when it is elsewhere."""
        try:
            found = self.core.read_namespaced_config_map("coredns", SYSTEM).data
        except client.exceptions.NotFoundException:
            return ""
        return str((found or {}).get("Corefile", ""))

    def place(self, name: str, namespace: str) -> tuple[str, str]:
        """The address of a pod, and the node that it is on."""
        pod = self.core.read_namespaced_pod(name, namespace)
        return pod.status.pod_ip, pod.spec.node_name

    def start(self, manifest: Manifest, namespace: str, limit: float) -> None:
        """Make a pod, and wait until it runs.

        Raises:
            SilentError: it does not, with what the kubelet and the scheduler say.
        """
        name = manifest["metadata"]["name"]
        self.core.create_namespaced_pod(namespace, manifest)
        try:
            wait(f"pod {name}", lambda: self.pods(namespace)[name].ready, limit)
        except SilentError as error:
            events = self.core.list_namespaced_event(namespace).items
            said = [
                each.message for each in events if each.involved_object.name == name and each.type != "Normal"
            ]
            reasons = dict.fromkeys([self.pods(namespace)[name].reason, *said[-3:]])
            raise SilentError("; ".join([error.message, *filter(None, reasons)])) from error

    def ask(self, pod: str, namespace: str, name: str) -> dns.Answer | None:
        """What a pod says of a name, asked through the API and its kubelet; None when it says nothing."""
        try:
            forward = portforward(
                self.core.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(PORT)
            )
        except client.ApiException:
            return None
        try:
            connection = forward.socket(PORT)
            connection.settimeout(LIMIT)
            connection.sendall(dns.question(name))
            length = int.from_bytes(_exactly(connection, 2), "big")
            return dns.answer(_exactly(connection, length))
        except (OSError, ValueError):
            return None
        finally:
            forward.close()

    def remove_namespace(self, name: str, limit: float) -> None:
        """Remove a namespace with all that is in it, and wait until it is gone."""
        with suppress(client.exceptions.NotFoundException):
            self.core.delete_namespace(name)
            wait(f"removal of namespace {name}", lambda: not self._there(name), limit)

    def _there(self, namespace: str) -> bool:
        listed = self.core.list_namespace(field_selector=f"metadata.name={namespace}")
        return bool(listed.items)


def wait(what: str, done: Callable[[], bool], limit: float, every: float = 0.5) -> None:
    """Wait until something is done.

    Raises:
        SilentError: it is not in `limit` seconds.
    """
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            raise SilentError(f"{what}: not within {limit:.0f} s")
        time.sleep(every)


def _exactly(connection: Any, size: int) -> bytes:  # noqa: ANN401 - a socket, wrapped
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ValueError("the connection ended")
        data += more
    return data


def _node(item: Any) -> SeenNode:  # noqa: ANN401 - V1Node
    return SeenNode(
        ready=any(each.type == "Ready" and each.status == "True" for each in item.status.conditions or ()),
        version=item.status.node_info.kubelet_version.removeprefix("v"),
        labels=item.metadata.labels or {},
        taints=tuple(
            Taint(key=each.key, value=each.value or "", effect=each.effect) for each in item.spec.taints or ()
        ),
    )


def _pod(item: Any) -> SeenPod:  # noqa: ANN401 - V1Pod
    ready = {each.type: each.status for each in item.status.conditions or ()}.get("Ready") == "True"
    waiting = [
        each.state.waiting
        for each in (*(item.status.init_container_statuses or ()), *(item.status.container_statuses or ()))
        if each.state and each.state.waiting
    ]
    unscheduled = [each.message for each in item.status.conditions or () if each.reason == "Unschedulable"]
    reasons = [f"{each.reason}: {each.message or ''}".rstrip(": ") for each in waiting] + unscheduled
    return SeenPod(
        name=item.metadata.name, phase=item.status.phase, ready=ready, reason="; ".join(filter(None, reasons))
    )
