"""What goes wrong, on the engines: the platform comes together again, or it is said what holds it."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from terp.cloud.process import wait_for
from terp.gitops.reading import read_catalogue
from terp.gitops.rollout import HeldError
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.order import Journal
from tests.integration.gitops.platform import StandIns

pytestmark = pytest.mark.timeout(1800)

LOW = "cert_manager"
"""A component of an early wave whose chart has our values."""
BROKEN = """\
apiVersion: v1
kind: ConfigMap
metadata: { name: broken }
data: [this is no map]
"""
LIMIT = 120
"""Seconds for a wave that is held; others need some on a busy machine."""
AWAY = 15.0
"""Seconds."""


def test_a_bad_manifest_is_named_in_the_words_of_the_api_and_can_be_mended(standing: StandIns):
    commit = standing.spoiled("charts/self-signed-issuer/templates/broken.yaml", BROKEN)
    with pytest.raises(HeldError) as held:
        standing.roll_out(commit, wave_limit=LIMIT)
    assert f"wave {standing.waves['self-signed-issuer']} is not healthy after {LIMIT} s" in str(held.value)
    assert "self-signed-issuer: " in str(held.value)
    assert "ConfigMap" in str(held.value)
    standing.roll_out(standing.publish())


def test_what_never_becomes_healthy_is_named_and_can_be_mended(standing: StandIns):
    values = standing.text("charts/cert-manager/values.yaml")
    commit = standing.spoiled("charts/cert-manager/values.yaml", f"{values}\nstandIn: {{ readyAfter: 1h }}\n")
    with pytest.raises(HeldError) as held:
        standing.roll_out(commit, wave_limit=LIMIT)
    assert "cert-manager: " in str(held.value)
    assert "Deployment" in str(held.value)
    health = {each.name: each.health for each in held.value.standing}
    assert (health["cert-manager"], health["harbor"]) == ("Progressing", "Healthy")
    standing.roll_out(standing.publish())


def test_sources_that_vanish_in_mid_sync_hold_it_until_they_are_back(standing: StandIns):
    def away() -> None:
        standing.sources.stop()
        time.sleep(AWAY)
        standing.sources.start()

    standing.take(alloy="99.1.0")  # a chart that is still to be fetched when the first waves are over
    assert early_after(standing, away) == []
    assert standing.states()["alloy"].version == "99.1.0"


def test_an_api_server_that_dies_in_mid_sync_and_comes_again_is_waited_for(
    standing: StandIns, argo_cd: ArgoCd
):
    def again() -> None:
        argo_cd.cluster.processes.kill("kube-apiserver")
        time.sleep(AWAY)
        argo_cd.cluster.processes.again("kube-apiserver")

    assert early_after(standing, again) == []


def test_an_application_that_somebody_deletes_comes_again(standing: StandIns, argo_cd: ArgoCd):
    kubectl = argo_cd.cluster.kubectl
    kubectl.run("delete", "application", "metrics-server", "-n", "argocd", timeout=120)
    standing.roll_out(standing.publish())
    made = json.loads(kubectl.output("get", "deployments", "-n", "kube-system", "-o", "json"))
    assert "metrics-server" in {each["metadata"]["name"] for each in made["items"]}


def test_a_kind_that_somebody_deletes_comes_again_with_its_objects(standing: StandIns, argo_cd: ArgoCd):
    kubectl = argo_cd.cluster.kubectl
    kind = next(
        each.name for each in read_catalogue().components["cert-manager"].crds if each.kind == "Certificate"
    )
    before = kubectl.output("get", kind, "-A", "-o", "name")
    assert before
    kubectl.run("delete", "crd", kind, timeout=120)
    standing.roll_out(standing.publish())
    assert kubectl.output("get", kind, "-A", "-o", "name") == before


def early_after(platform: StandIns, fault: Callable[[], None]) -> list[str]:
    """What began too early when something happened just after a new commit had begun."""
    commit = platform.publish(**{LOW: f"\nnumber: {time.time_ns()}\n"})
    with platform.journal() as journal, ThreadPoolExecutor(1) as beside:
        done = threading.Event()
        harm = beside.submit(_when_begun, journal, commit, fault, done)
        try:
            platform.roll_out(commit)
        finally:
            done.set()
        harm.result(timeout=60)
        return journal.early(platform.waves)


def _when_begun(journal: Journal, commit: str, fault: Callable[[], None], done: threading.Event) -> None:
    wait_for(
        "the first Application with the commit",
        lambda: done.is_set() or any(each.commit == commit for each in journal.states),
        300,
    )
    assert not done.is_set(), "it was over before anything could happen to it"
    fault()
