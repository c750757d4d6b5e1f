"""What happens to a platform that stands: another version and back, and a component less."""

import pytest

from terp.errors import TerpError
from terp.gitops.reading import read_catalogue
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.order import State
from tests.integration.gitops.platform import StandIns

pytestmark = pytest.mark.timeout(1800)

LOW, HIGH = "cert-manager", "alloy"
"""Components of an early and of a late wave; each has a chart of its own."""


def test_another_version_of_a_low_wave_holds_the_higher_ones(standing: StandIns):
    assert standing.waves[LOW] < standing.waves[HIGH]
    with standing.journal() as journal:
        standing.take(cert_manager="v98.0.0", alloy="99.0.0")
        standing.roll_out(standing.publish(cert_manager="\nstandIn: { readyAfter: 5s }\n"))
    assert (standing.states()[LOW].version, standing.states()[HIGH].version) == ("v98.0.0", "99.0.0")
    before = _until(journal.states, HIGH, "99.0.0")
    low = [each for each in before if each.name == LOW][-1]
    assert (low.version, low.settled) == ("v98.0.0", True)


def test_the_version_before_comes_back(standing: StandIns):
    upstreams = read_catalogue().upstreams
    versions = {"cert_manager": upstreams["cert-manager"].version, "alloy": upstreams["alloy"].version}
    standing.take(**versions)
    standing.roll_out(standing.publish())
    assert standing.states()[LOW].version == versions["cert_manager"]
    assert standing.states()[HIGH].version == versions["alloy"]


def test_what_others_need_cannot_be_switched_off(standing: StandIns):
    with pytest.raises(TerpError, match='"valkey" is switched off, and needed by harbor'):
        standing.switch(valkey=False)
    standing.switch(valkey=True)


def test_a_component_that_is_switched_off_goes_with_all_but_its_kinds(standing: StandIns, argo_cd: ArgoCd):
    kinds = [each.name for each in read_catalogue().components["gpu-operator"].crds]
    assert _made(argo_cd)
    standing.switch(gpu_operator=False)
    standing.roll_out(standing.publish())
    assert "gpu-operator" not in standing.states()
    assert _made(argo_cd) == ""
    assert len(argo_cd.cluster.kubectl.output("get", "crd", *kinds, "-o", "name").split()) == len(kinds)
    standing.switch(gpu_operator=True)
    standing.roll_out(standing.publish())
    assert _made(argo_cd)


def _made(argo_cd: ArgoCd) -> str:
    """What there is of the GPU operator."""
    return argo_cd.cluster.kubectl.output("get", "deployments,daemonsets", "-n", "gpu-operator", "-o", "name")


def _until(states: list[State], name: str, version: str) -> list[State]:
    """What was before an Application took a version."""
    taken = next(n for n, each in enumerate(states) if (each.name, each.version) == (name, version))
    return states[:taken]
