"""The objects that a component declares: kinds, workloads, webhooks, what it provides."""

from collections.abc import Iterator, Mapping
from typing import Any

from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component, Crd
from terp.gitops.graph import with_needs

Object = dict[str, Any]
READY_AFTER = "stand-in/ready-after"
"""Annotation of pods: how long they take."""
VALUES = "stand-in/values"
"""Annotation of pods: what tells one set of values from another, so that a change of values rolls out."""
SETTLED = "2026-01-01T00:00:00Z"
WELL = [
    {"type": kind, "status": "True", "reason": "StandIn", "message": "", "lastTransitionTime": SETTLED}
    for kind in ("Ready", "Available", "Reconciled")
]
LOOKED_AFTER: Object = {"currentState": "Initialized", "phase": "Ready", "ceph": {"health": "HEALTH_OK"}}
"""What Argo CD 3.5 asks of those kinds that it knows (resource_customizations), beside conditions."""
ACCEPTED = [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]
OF_KIND: Mapping[str, Object] = {
    "Cluster": {"phase": "Cluster in healthy state"},
    "HTTPRoute": {"parents": [{"parentRef": {"name": "stand-in"}, "conditions": ACCEPTED}]},
}
PORT = 8080
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
ALLOWED_ANYWHERE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What a pod must say under Pod Security's strictest standard."""


def definitions(name: str, catalogue: Catalogue) -> list[Object]:
    """The kinds that it brings, with a schema that allows everything; Argo CD reads its own at work."""
    return [] if name == "argo-cd" else [definition(crd) for crd in catalogue.components[name].crds]


def objects(name: str, catalogue: Catalogue, pod: Mapping[str, str]) -> list[Object]:
    """Everything else; `pod` are the annotations of its pods."""
    component = catalogue.components[name]
    return [
        _note(name, component),
        *_namespaces(name, catalogue),
        *_webhooks(name, component),
        *_healthy(component, catalogue, pod),
    ]


def custom_kinds(catalogue: Catalogue) -> Mapping[str, Crd]:
    """By kind, the first definition of each."""
    found: dict[str, Crd] = {}
    for component in catalogue.components.values():
        for crd in component.crds:
            found.setdefault(crd.kind, crd)
    return found


def definition(crd: Crd) -> Object:
    """A kind that allows everything, and whose objects are well by default: no operator looks after them."""
    anything: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    status = {**anything, "default": {**LOOKED_AFTER, "conditions": WELL, **OF_KIND.get(crd.kind, {})}}
    schema = {**anything, "properties": {"status": status}}
    versions = [
        {
            "name": version,
            "served": True,
            "storage": not number,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
        }
        for number, version in enumerate(crd.versions)
    ]
    names = {"kind": crd.kind, "listKind": f"{crd.kind}List", "plural": crd.name.partition(".")[0]}
    approval = {
        "api-approved.kubernetes.io": "unapproved, a stand-in"
    }  # asked of groups of Kubernetes' projects
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": crd.name, "annotations": approval},
        "spec": {"group": crd.group, "scope": crd.scope, "names": names, "versions": versions},
    }


def _note(name: str, component: Component) -> Object:
    """Says that it is a stand-in, and what it would need and provide."""
    said = {"needs": ", ".join(component.needs), **component.provides}
    return _object("v1", "ConfigMap", f"{name}-stand-in", data=said)


def _namespaces(name: str, catalogue: Catalogue) -> Iterator[Object]:
    """Those that it writes to and that nobody has made before it."""
    component = catalogue.components[name]
    before = {"kube-system", component.namespace, *_of_needs(name, catalogue)}
    yield from (_object("v1", "Namespace", each) for each in component.namespaces if each not in before)


def _of_needs(name: str, catalogue: Catalogue) -> set[str]:
    """The namespaces of all that it needs, whoever provides it."""
    providers = catalogue.capabilities
    needs = {
        each: [provider for need in component.needs for provider in providers.get(need, (need,))]
        for each, component in catalogue.components.items()
    }
    return {catalogue.components[each].namespace for each in with_needs(needs[name], needs)}


def _webhooks(name: str, component: Component) -> Iterator[Object]:
    """They are asked about nothing, as nobody would answer."""
    service = {"namespace": component.namespace, "name": f"{name}-stand-in"}
    hook = {
        "name": f"{name}.stand-in.test",
        "clientConfig": {"service": service},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    if component.webhooks:
        yield _object("v1", "Service", service["name"], spec={"ports": [{"port": 443}]})
    for each in component.webhooks:
        version, kind = "admissionregistration.k8s.io/v1", f"{each.capitalize()}WebhookConfiguration"
        yield _object(version, kind, f"{name}-stand-in", webhooks=[hook])


def _healthy(component: Component, catalogue: Catalogue, pod: Mapping[str, str]) -> Iterator[Object]:
    """What must be healthy: workloads, and objects that an operator looks after."""
    kinds = custom_kinds(catalogue)
    for kind, namespace, name in map(parts, component.health):
        if kind in WORKLOADS:
            found = _workload(kind, name, pod)
        else:
            crd = kinds[kind]
            found = _object(f"{crd.group}/{crd.versions[0]}", kind, name, spec={})
        if namespace:
            found["metadata"]["namespace"] = namespace
        yield found


def parts(health: str) -> tuple[str, str, str]:
    """Kind, namespace if it is another, and name."""
    kind, *namespace, name = health.split("/")
    return kind, "".join(namespace), name


def _workload(kind: str, name: str, pod: Mapping[str, str]) -> Object:
    labels = {"stand-in": name}
    container = {
        "name": "stand-in",
        "image": "stand-in:1",
        "args": [f"--ready-after={pod[READY_AFTER]}", f"--port={PORT}"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
        "securityContext": ALLOWED_ANYWHERE,
    }
    template = {
        "metadata": {"labels": labels, "annotations": dict(pod)},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    spec: Object = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return _object("apps/v1", kind, name, spec=spec)


def _object(version: str, kind: str, name: str, **more: Any) -> Object:  # noqa: ANN401
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}
