"""From one Kubernetes version to another: one minor and one Kubespray release at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from terp.kubernetes.model import ClusterState, Node, Run
from terp.kubernetes.plan.change import Change, UnsafeChangeError, runs_cluster
from terp.kubernetes.plan.runs import Author

Releases = Mapping[str, Sequence[str]]
"""By the installer's version (`v2.31.0`), the Kubernetes versions that it knows (`1.35.4`)."""


class Step(NamedTuple):
    """The versions of one upgrade."""

    installer_version: str
    kubernetes_version: str


def steps(before: ClusterState, after: ClusterState, releases: Releases) -> list[Step]:
    """The upgrades between two states, in order; none when the versions are the same.

    Raises:
        UnsafeChangeError: it goes backwards, or the releases between do not know a way.
    """
    here = Step(before.installer_version, before.kubernetes_version)
    there = Step(after.installer_version, after.kubernetes_version)
    if here == there:
        return []
    for old, new, what in zip(here, there, ("the installer", "Kubernetes"), strict=True):
        if number(new) < number(old):
            raise UnsafeChangeError(f"{what} would go from {old} back to {new}", "it can only go forward")
    known = {here.installer_version: (), there.installer_version: (), **releases}
    path = sorted((each for each in known if _between(each, here, there)), key=number)
    found: list[Step] = []
    while here != there:
        following = _next(here, there, path, known)
        if following is None:
            raise UnsafeChangeError(
                f"no known release leads from Kubernetes {here.kubernetes_version} "
                f"({here.installer_version}) to {there.kubernetes_version} ({there.installer_version})",
                "go by the releases between: sync them, or set an earlier version first",
            )
        found.append(following)
        here = following
    return found


def upgrade(change: Change, author: Author, step: Step) -> Iterator[Run]:
    """The control plane first, then the workers; what an upgrade that broke off has done is left alone."""
    reason = f"Kubernetes {step.kubernetes_version}, {change.desired.installer} {step.installer_version}"
    wanted = number(step.kubernetes_version)
    again = change.recorded.installer_version != step.installer_version
    control_plane = [version(change, node) for node in author.nodes if runs_cluster(node)]
    if max(control_plane) > wanted:
        return  # the step is behind it
    if again or min(control_plane) < wanted:
        yield author.upgrade_control_plane(reason)
    workers = {node.name: version(change, node) for node in author.nodes if not runs_cluster(node)}
    behind = [name for name, version in workers.items() if version < wanted or (again and version == wanted)]
    if behind:
        yield author.upgrade_workers(behind, reason)


def number(version: str) -> tuple[int, ...]:
    """`v2.31.0` as numbers, to compare."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


def reached(change: Change, path: Sequence[Step]) -> Step:
    """The versions that the control plane was led to, among those of the path; an attempt may have begun it.

    Raises:
        UnsafeChangeError: it was led further than the path goes.
    """
    there = [version(change, node) for node in change.before if "control-plane" in node.roles]
    newest = max(there, default=())
    for step in path:
        if number(step.kubernetes_version) >= newest:
            return step
    raise UnsafeChangeError(
        f"Kubernetes would go from {'.'.join(map(str, newest))} back to {path[-1].kubernetes_version}",
        "it can only go forward: an upgrade that broke off has begun",
    )


def version(change: Change, node: Node) -> tuple[int, ...]:
    """The version of a node's kubelet; what nobody can tell is what was recorded."""
    seen = (change.observed.api_nodes or {}).get(node.name)
    return number(seen.version if seen else change.recorded.kubernetes_version)


def _between(release: str, here: Step, there: Step) -> bool:
    return number(here.installer_version) <= number(release) <= number(there.installer_version)


def _next(here: Step, there: Step, path: Sequence[str], known: Releases) -> Step | None:
    """The next upgrade: Kubernetes as far as this release leads, else the next release."""
    release = here.installer_version
    further = _towards(here.kubernetes_version, there.kubernetes_version, known[release])
    if release == there.installer_version and further is None:
        further = _closing(here, there)
    if further:
        return Step(release, further)
    following = next((each for each in path if number(each) > number(release)), None)
    if following is None:
        return None
    versions = known[following]
    if here.kubernetes_version in versions:
        return Step(following, here.kubernetes_version)
    if following == there.installer_version and there.kubernetes_version not in versions:
        versions = (*versions, there.kubernetes_version)  # the environment has checked it
    same_minor = [each for each in versions if _minor(each) == _minor(here.kubernetes_version)]
    patch = _towards(here.kubernetes_version, there.kubernetes_version, same_minor)
    further = patch or _towards(here.kubernetes_version, there.kubernetes_version, versions)
    return Step(following, further) if further else None


def _closing(here: Step, there: Step) -> str | None:
    """The last step, to a version that the list of the release does not have."""
    near = number(there.kubernetes_version)[1] - number(here.kubernetes_version)[1] <= 1
    return there.kubernetes_version if near and here.kubernetes_version != there.kubernetes_version else None


def _towards(here: str, there: str, versions: Sequence[str]) -> str | None:
    """The furthest version that is at most one minor on and not past the end; the end itself if it is one."""
    major, minor = _minor(here)
    near = {(major, minor), (major, minor + 1)}
    possible = [
        each for each in versions if number(here) < number(each) <= number(there) and _minor(each) in near
    ]
    return max(possible, key=number, default=None)


def _minor(version: str) -> tuple[int, ...]:
    return number(version)[:2]
