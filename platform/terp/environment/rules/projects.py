"""Projects: names that are free, people who are told apart, quotas that the pools can meet."""

import re
from collections.abc import Iterator

from terp.environment.components import known_namespaces
from terp.environment.environment import Environment
from terp.environment.fields import SHARE
from terp.environment.findings import Finding, Key
from terp.environment.nodes import Pool
from terp.environment.projects import Project

GPU_DOMAIN = "nvidia.com/"
MIG_CONFIG = f"{GPU_DOMAIN}mig.config"
"""Label by which NVIDIA's operator cuts the GPUs of a node: `all-1g.10gb`, or a mixture by its name."""
SHARING = f"{GPU_DOMAIN}device-plugin.config"
"""Label that names one of the configurations in charts/gpu-operator."""
UNCUT = ("all-disabled", "all-enabled")
ANY_SLICE = "mig-"
OF_KUBERNETES = ("default", "kube-node-lease", "kube-public", "kube-system")
OF_HARBOR = ("library", "platform")
"""Projects that Harbor has already."""
PREFIXES = ("istio-", "knative-", "kube-", "kubeflow")
"""Of namespaces that are Kubernetes' and the platform's own, now or later."""


def projects_have_names_of_their_own(environment: Environment) -> Iterator[Finding]:
    """Namespaces of Kubernetes and of components are nobody's project; Harbor has projects already."""
    for name, project in _projects(environment):
        taken = name in known_namespaces() or name in OF_KUBERNETES or name.startswith(PREFIXES)
        of_harbor = project.registry and name in OF_HARBOR
        if taken or of_harbor:
            what = "project of Harbor" if of_harbor and not taken else "namespace of the platform"
            yield Finding(
                key=_key(name),
                message=f'no project can be called "{name}": it is a {what}',
                suggestion=f'did you mean "team-{name}"?',
            )


def an_owner_is_no_member(environment: Environment) -> Iterator[Finding]:
    """Whose it is may do everything; a second role would be taken for another person."""
    for name, project in _projects(environment):
        if project.owner in project.members:
            yield Finding(
                key=_key(name, "members", project.owner),
                message="is a member of their own project, by",
                other=_key(name, "owner"),
                value=project.owner,
                suggestion="leave it out: an owner may do everything",
            )


def members_are_told_apart(environment: Environment) -> Iterator[Finding]:
    """Kubeflow calls what makes one a member after the address, with "-" for all but letters and digits."""
    for name, project in _projects(environment):
        first: dict[tuple[str, str], str] = {}
        for email, role in project.members.items():
            other = first.setdefault((re.sub(r"[^a-z0-9]+", "-", email), role), email)
            if other != email:
                yield Finding(
                    key=_key(name, "members", email),
                    message="Kubeflow has one name for this address and for that of",
                    other=_key(name, "members", other),
                    suggestion="another role, or another address, for one of them",
                )


def gpus_of_a_quota_are_in_a_pool(environment: Environment) -> Iterator[Finding]:
    """A quota for GPUs that no node has is a misspelling, or a pool is missing."""
    offered = shares(environment)
    for name, project in _projects(environment):
        for share, count in sorted(project.quota.gpus.items()):
            if count and not _offers(offered, share):
                known = ", ".join(sorted(each for each in offered if each != ANY_SLICE))
                yield Finding(
                    key=_key(name, "quota", "gpus", share),
                    message=f'no pool has GPUs that are "{share}"; see their labels and taints in',
                    other=("nodes", "pools"),
                    suggestion=f"there are: {known}" if known else "a pool with a taint nvidia.com/gpu",
                )


def slices_of_gpus_have_a_limit(environment: Environment) -> Iterator[Finding]:
    """What no quota names has no limit: one project that names a slice, also with 0, limits all others."""
    projects = dict(_projects(environment))
    named = {share for each in projects.values() for share in each.quota.gpus}
    for name, pool in sorted(environment.nodes.pools.items()):
        for share in sorted(_shares(pool) - {"whole", "shared"}):
            if projects and not any(each.startswith(share) for each in named):
                example = "mig-1g.10gb" if share == ANY_SLICE else share
                yield Finding(
                    key=("nodes", "pools", name, "labels", MIG_CONFIG),
                    message="no quota names these slices, so that all projects could take them; see",
                    other=("platform", "projects"),
                    suggestion=f"in one of them, quota: {{ gpus: {{ {example}: 0 }} }}, or as many as it may",
                )


def a_registry_is_in_harbor(environment: Environment) -> Iterator[Finding]:
    """Images of a project lie in Harbor."""
    for name, project in _projects(environment):
        switches = environment.platform.components if environment.platform else {}
        off = [each for each in ("harbor", "harbor-configuration") if switches.get(each) is False]
        if project.registry and off:
            yield Finding(
                key=_key(name, "registry"),
                message="its images would have no place, by",
                other=("platform", "components", off[0]),
                value="false",
                suggestion=f"leave out one of them: registry, or {off[0]}: false",
            )


def projects_are_not_switched(environment: Environment) -> Iterator[Finding]:
    """What makes projects is there when there are any; switched off, they would be pruned."""
    if environment.platform and "projects" in environment.platform.components:
        yield Finding(
            key=("platform", "components", "projects"),
            message="is there when there are projects, in",
            other=("platform", "projects"),
            suggestion="leave it out",
        )


def shares(environment: Environment) -> frozenset[str]:
    """Shares of GPUs that pools have nodes with; `mig-` is any slice, where NVIDIA's own file says which."""
    pools = (pool for pool in environment.nodes.pools.values() if pool.count)
    return frozenset().union(*map(_shares, pools))


def _shares(pool: Pool) -> frozenset[str]:
    keys = (*pool.labels, *(taint.key for taint in pool.taints))
    if not any(key.startswith(GPU_DOMAIN) for key in keys):
        return frozenset()
    cut = pool.labels.get(MIG_CONFIG, UNCUT[0])
    if cut not in UNCUT:
        share = f"{ANY_SLICE}{cut.removeprefix('all-')}"
        return frozenset({share if re.fullmatch(SHARE, share) else ANY_SLICE})
    return frozenset({"shared" if pool.labels.get(SHARING, "").startswith("shared") else "whole"})


def _offers(offered: frozenset[str], share: str) -> bool:
    return share in offered or (share.startswith(ANY_SLICE) and ANY_SLICE in offered)


def _projects(environment: Environment) -> Iterator[tuple[str, Project]]:
    yield from sorted(environment.platform.projects.items() if environment.platform else ())


def _key(name: str, *inside: str) -> Key:
    return ("platform", "projects", name, *inside)


PROJECTS = (
    projects_have_names_of_their_own,
    an_owner_is_no_member,
    members_are_told_apart,
    gpus_of_a_quota_are_in_a_pool,
    slices_of_gpus_have_a_limit,
    a_registry_is_in_harbor,
    projects_are_not_switched,
)
