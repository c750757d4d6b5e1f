"""Every rendered object by the schema of its kind."""

from collections.abc import Iterable, Iterator, Mapping

from terp.environment.findings import dotted
from terp.gitops.references.things import BUILT_IN, Manifest, at, kind_of, name_of
from terp.gitops.validation.definitions import Definitions
from terp.gitops.validation.form import Form, Found, wrong
from terp.gitops.validation.kubernetes import Kubernetes
from terp.model import Model


class Flaw(Model):
    """What the API server would refuse, or drop in silence."""

    component: str
    object: str
    path: str
    message: str
    suggestion: str

    def __str__(self) -> str:
        place = ": ".join(filter(None, (self.component, self.object, self.path)))
        return "\n  ".join(filter(None, (f"{place}: {self.message}", self.suggestion)))


class Unread(Model):
    """A kind that no schema is rendered of: its component is not, or a controller makes it at work."""

    component: str
    kind: str


def flaws(
    manifests: Mapping[str, Iterable[Manifest]], kubernetes: Kubernetes, definitions: Definitions
) -> tuple[list[Flaw], list[Unread]]:
    """What is wrong with the objects of each component, and kinds that cannot be judged."""
    found, unread = list[Flaw](), dict[Unread, None]()
    for component, objects in sorted(manifests.items()):
        for manifest in objects:
            mistakes = _mistakes(manifest, kubernetes, definitions)
            if mistakes is None:
                unread[Unread(component=component, kind=kind_of(manifest))] = None
            else:
                found += (_flaw(component, manifest, each) for each in mistakes)
    return found, list(unread)


def _flaw(component: str, manifest: Manifest, found: Found) -> Flaw:
    key, message, suggestion = found
    return Flaw(
        component=component,
        object=label(manifest),
        path=dotted(key),
        message=message,
        suggestion=suggestion,
    )


def label(manifest: Manifest) -> str:
    """`Deployment harbor/harbor-core`, with its namespace if it says one."""
    namespace = at(manifest, "metadata.namespace")
    return f"{manifest.get('kind')} {f'{namespace}/' if namespace else ''}{name_of(manifest)}"


def _mistakes(manifest: Manifest, kubernetes: Kubernetes, definitions: Definitions) -> Iterator[Found] | None:
    """None where there is no schema."""
    group, _, version = str(manifest.get("apiVersion", "")).rpartition("/")
    kind = str(manifest.get("kind", ""))
    form: Form | None
    if group in BUILT_IN:
        form = kubernetes.form(kind, group, version)
        said, there = f"Kubernetes {kubernetes.version} has no such kind", kubernetes.elsewhere(kind)
    else:
        form = definitions.form(kind, group, version)
        there = tuple(f"{group}/{each}" for each in definitions.versions(kind, group))
        said = "the definition of this kind serves no such version"
        if not there:
            return None
    if form is None:
        right = f"there is {' and '.join(there)}" if there else ""
        return iter([(("apiVersion",), f"{manifest.get('apiVersion')}: {said}", right)])
    return wrong(manifest, form)
