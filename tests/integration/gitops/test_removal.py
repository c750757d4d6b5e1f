"""A whole platform is deleted through its root, as whoever gives up a cluster's platform does it."""

import pytest

from terp.cloud.process import wait_for
from terp.gitops.application import ROOT
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.platform import StandIns

pytestmark = pytest.mark.timeout(1800)

LIMIT = 600.0
"""Seconds for all of it; an Application that waits for another's kinds would never go."""
CASCADE = {"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}}


def test_all_applications_go_with_what_they_have_made(standing: StandIns, argo_cd: ArgoCd):
    kubectl = argo_cd.cluster.kubectl
    argo_cd.cluster.patch("application", ROOT, CASCADE)
    kubectl.run("delete", "application", ROOT, "-n", "argocd", "--wait=false")
    wait_for("all Applications to go", lambda: not standing.states(), LIMIT, 2)
    assert kubectl.output("get", "deployments,statefulsets", "-n", "harbor", "-o", "name") == ""
