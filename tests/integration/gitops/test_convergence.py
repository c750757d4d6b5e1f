"""The platform on a real Argo CD: in order, and again in order when something changes.

The tests are one story, in this order.
"""

import pytest
import yaml

from tests.integration.gitops.argo_cd import HEALTH, ArgoCd
from tests.integration.gitops.platform import StandIns

pytestmark = pytest.mark.timeout(2400)

LOW = "cert-manager"
"""A component of an early wave whose chart has our values."""
SETTINGS = "charts/argo-cd/values.yaml"


def test_each_wave_waits_until_the_one_before_is_healthy(platform: StandIns):
    commit = platform.publish()
    with platform.journal() as journal:
        said = platform.roll_out(commit)
    assert {each.name for each in journal.states} == platform.waves.keys()
    assert any(line.startswith("wave 0 is healthy") for line in said)
    assert all(each.health == "Healthy" for each in platform.standing)
    assert journal.early(platform.waves) == []


def test_charts_get_our_values_and_above_them_those_of_the_environment(argo_cd: ArgoCd):
    said = argo_cd.cluster.kubectl.output(
        "get", "configmap", "harbor-values", "-n", "harbor", "-o", r"jsonpath={.data.values\.yaml}"
    )
    assert "externalURL: https://harbor.terp.test" in said
    assert "existingSecretAdminPassword: harbor-admin" in said


def test_a_change_of_values_alone_holds_the_higher_waves(platform: StandIns):
    with platform.journal() as journal:
        commit = platform.publish(**{LOW: "\nstandIn: { readyAfter: 5s }\n"})
        platform.roll_out(commit)
    assert journal.early(platform.waves) == []


def test_without_our_judgement_of_health_no_wave_is_held(platform: StandIns):
    """Taken away in git, since Argo CD mends what is changed beside it; the next commit has it again."""
    platform.roll_out(platform.spoiled(SETTINGS, without_judgement(platform.text(SETTINGS))))
    with platform.journal() as journal:
        commit = platform.publish(**{LOW: "\nstandIn: { readyAfter: 6s }\n"})
        platform.roll_out(commit)
    assert journal.early(platform.waves) != []


def without_judgement(values: str) -> str:
    """Of an Application's health, which Argo CD itself does not judge."""
    found = yaml.safe_load(values)
    found["configs"]["cm"][HEALTH] = ""
    return yaml.safe_dump(found)
