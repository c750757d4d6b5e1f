"""The root Application: the one object from which Argo CD makes all others."""

from collections.abc import Mapping

from pydantic import JsonValue

from terp.environment.platform import GitRepository
from terp.gitops.argo import (
    ApplicationSource,
    ApplicationSpec,
    Destination,
    Helm,
    HelmParameter,
    SyncPolicy,
)
from terp.gitops.root import RootValues

ROOT = "platform"
"""Its name, and that of its chart."""
NAMESPACE = "argocd"
"""Of Argo CD and all Applications."""
ITS_COMMIT = HelmParameter(name="revision", value="$ARGOCD_APP_REVISION")
"""Argo CD puts the commit there that it has read the chart from."""


def root_application(git: GitRepository, values: RootValues) -> Mapping[str, JsonValue]:
    """The manifest; whoever may write to the repository at this revision decides over the cluster."""
    source = ApplicationSource(
        repo_url=git.repository,
        target_revision=git.revision,
        path=f"charts/{ROOT}",
        helm=Helm(
            release_name=ROOT,
            value_files=("values.yaml",),
            values_object=values.plain(),
            parameters=(ITS_COMMIT,),
        ),
    )
    spec = ApplicationSpec(
        project="default",
        sources=(source,),
        destination=Destination(namespace=NAMESPACE),
        sync_policy=SyncPolicy(sync_options=("PruneLast=true",)),
    )
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": ROOT, "namespace": NAMESPACE},
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
