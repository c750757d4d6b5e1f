"""Components held against each other: needs that there are, one owner of each kind, words that are known."""

from collections.abc import Iterator, Mapping

from terp.environment.findings import Key, did_you_mean, nearest
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Chart, Component, Manifests, Own
from terp.gitops.facts import FACTS, placeholders
from terp.gitops.versions import ChartRepository, GitRepository, ImageRepository

FORMS = {Chart: ChartRepository, Manifests: GitRepository, Own: ImageRepository}
"""What the upstream of each kind of source is."""
Found = tuple[Key, str, str]
"""Where, what, and what would be right."""


def contradictions(catalogue: Catalogue, folders: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
    """What contradicts what, by component; `folders` says in which of the two each lies."""
    for name, component in catalogue.components.items():
        for found in (
            *_sources(component, catalogue, folders[name]),
            *_needs(name, component, catalogue),
            *_names(component, catalogue),
            *_copies(component, catalogue),
            *_placeholders(component, catalogue),
            *_kinds(name, component, catalogue),
        ):
            yield name, found


def _sources(component: Component, catalogue: Catalogue, folder: str) -> Iterator[Found]:
    source = component.source
    right = "kustomize" if isinstance(source, Manifests) else "charts"
    if folder != right:
        yield ("source", "kind"), f"{source.kind} belongs in {right}/", f"move the folder to {right}/"
    known = [name for name, each in catalogue.upstreams.items() if isinstance(each, FORMS[type(source)])]
    if source.upstream and source.upstream not in known:
        said = did_you_mean(source.upstream, known)
        yield (
            ("source", "upstream"),
            f'"{source.upstream}" is not in charts/versions.yaml as {source.kind}',
            said,
        )


def _needs(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    known = catalogue.components.keys() | catalogue.capabilities.keys()
    for place, need in enumerate(component.needs):
        if need not in known:
            message = f'unknown need "{need}": neither a component nor a capability'
            yield ("needs", place), message, did_you_mean(need, known)
        elif need == name or need in component.provides:
            yield ("needs", place), f'"{name}" would need itself', "leave it out"


def _names(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    for capability in sorted(component.provides.keys() & catalogue.components.keys()):
        yield ("provides", capability), f'"{capability}" is the name of a component', "another name"


def _copies(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    known = [
        f"{name}/{secret.name}/{key.name}"
        for name, other in catalogue.components.items()
        for secret in other.secrets
        for key in secret.keys
    ]
    for place, secret in enumerate(component.secrets):
        for number, key in enumerate(secret.keys):
            if key.copy_of and key.copy_of not in known:
                near = nearest(key.copy_of, known)
                said = f'did you mean "{near}"?' if near else ""
                where = ("secrets", place, "keys", number, "copy_of")
                yield where, f'there is no secret "{key.copy_of}"', said


def _placeholders(component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """An address tells of the environment; values also of the capabilities that the component needs."""
    image = {"image"} if isinstance(component.source, Own) and component.source.upstream else set()
    told = {"values": (FACTS | catalogue.capabilities.keys() | image), "provides": FACTS}
    for field, known in told.items():
        for key, text in getattr(component, field).items():
            for word in placeholders(text):
                if word not in known:
                    yield (field, key), f"unknown {{{word}}}", did_you_mean(word, known)
                elif word in catalogue.capabilities and word not in component.needs:
                    yield (field, key), f"{{{word}}} is told to those that need it", f"needs: [{word}]"


def _kinds(name: str, component: Component, catalogue: Catalogue) -> Iterator[Found]:
    """A CRD belongs to one component: two would take it from each other for ever."""
    for place, crd in enumerate(component.crds):
        for other, each in catalogue.components.items():
            if other != name and crd.name in {its.name for its in each.crds}:
                yield ("crds", place), f"{crd.name} is also brought by {other}", "keep one"
