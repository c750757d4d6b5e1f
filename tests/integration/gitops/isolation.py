"""What leads from one project into another: found in rendered objects, not in how they are made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from terp.environment.projects import Project

Object = Mapping[str, Any]
Labels = Mapping[str, str]
OF_CLUSTER = ("Namespace", "Profile", "ClusterSecretStore")
ROLES = ("kubeflow-admin", "kubeflow-edit", "kubeflow-view")
NAME = "kubernetes.io/metadata.name"


def leaks(objects: Sequence[Object], projects: Mapping[str, Project]) -> list[str]:
    """Each in a sentence; none is right."""
    labels = {
        each["metadata"]["name"]: {NAME: each["metadata"]["name"], **each["metadata"]["labels"]}
        for each in objects
        if each["kind"] == "Namespace"
    }
    return [
        f"{each['kind']} {place(each)}/{each['metadata']['name']}: {said}"
        for each in objects
        if place(each) in projects
        for said in _leaks(each, projects, labels)
    ]


def place(each: Object) -> str:
    """The project that it belongs to; of an object of the cluster by its name."""
    name = each["metadata"]["name"].removeprefix("project-")
    return str(name if each["kind"] in OF_CLUSTER else each["metadata"].get("namespace", ""))


def _leaks(each: Object, projects: Mapping[str, Project], labels: Mapping[str, Labels]) -> Iterator[str]:
    name = place(each)
    people = {projects[name].owner, *projects[name].members}
    match each["kind"]:
        case "Profile":
            yield from _of_others({each["spec"]["owner"]["name"]}, people)
        case "RoleBinding":
            yield from _binding(each, name, people)
        case "AuthorizationPolicy":
            yield from _requests(each, name, people)
        case "NetworkPolicy":
            yield from _connections(each, {other: mine for other, mine in labels.items() if other != name})
        case "ExternalSecret":
            yield from _secrets(each, name)
        case "ClusterSecretStore":
            yield from _store(each, name)


def _of_others(found: set[str], people: set[str]) -> Iterator[str]:
    if strangers := found - people:
        yield f"lets {', '.join(sorted(strangers))} in"


def _binding(each: Object, name: str, people: set[str]) -> Iterator[str]:
    for subject in each["subjects"]:
        own = subject["kind"] == "ServiceAccount" and subject["namespace"] == name
        if subject["kind"] != "User" and not own:
            yield f"is about a {subject['kind']}"
    yield from _of_others({subject["name"] for subject in each["subjects"]}, people)
    if each["roleRef"]["name"] not in ROLES:
        yield f"gives {each['roleRef']['name']}"


def _requests(each: Object, name: str, people: set[str]) -> Iterator[str]:
    for rule in each["spec"].get("rules", ()):
        header = [when for when in rule.get("when", ()) if when["key"] == "request.headers[kubeflow-userid]"]
        sources = [source["source"] for source in rule.get("from", ())]
        if not header or not sources or any("*" in value for when in header for value in when["values"]):
            yield "does not ask who it is"
        yield from _of_others({value for when in header for value in when["values"]}, people)
        for principal in (each for source in sources for each in source.get("principals", ("*",))):
            if principal.split("/")[2:3] not in [["istio-system"], ["kubeflow"], [name]]:
                yield f"believes {principal}"


def _connections(each: Object, others: Mapping[str, Labels]) -> Iterator[str]:
    spec = each["spec"]
    if spec["podSelector"] or set(spec["policyTypes"]) != {"Ingress", "Egress"}:
        yield "does not close all pods both ways"
    for rule in spec["ingress"]:
        if not rule.get("from"):
            yield "takes connections of everybody"
        for peer in rule.get("from", ()):
            yield from (f"takes connections of {other}" for other in _selected(peer, others))
            if "ipBlock" in peer:
                yield f"takes connections of {peer['ipBlock']['cidr']}"
    for rule in spec["egress"]:
        for peer in rule.get("to", ()):
            yield from (f"connects to {other}" for other in _selected(peer, others))


def _selected(peer: Object, others: Mapping[str, Labels]) -> Iterator[str]:
    """No project has expressions in its selectors: one that appears is not understood here, so it counts."""
    if (selector := peer.get("namespaceSelector")) is None:
        return
    wanted = selector.get("matchLabels", {})
    for other, labels in others.items():
        if selector.get("matchExpressions") or wanted.items() <= labels.items():
            yield other


def _secrets(each: Object, name: str) -> Iterator[str]:
    store = each["spec"]["secretStoreRef"]
    if (store["kind"], store["name"]) != ("ClusterSecretStore", f"project-{name}"):
        yield f"reads from {store['name']}"
    for data in each["spec"]["data"]:
        if not data["remoteRef"]["key"].startswith(f"projects/{name}/"):
            yield f"reads {data['remoteRef']['key']}"


def _store(each: Object, name: str) -> Iterator[str]:
    if each["spec"]["conditions"] != [{"namespaces": [name]}]:
        yield "may be named by others"
    role = each["spec"]["provider"]["vault"]["auth"]["kubernetes"]["role"]
    if role != f"project-{name}":
        yield f"reads as {role}"
