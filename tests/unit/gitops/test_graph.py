"""Waves: every need before, none later than it must be, cycles found."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gitops.platforms import platform

from terp.gitops.graph import CycleOfNeedsError, Graph, graph
from terp.gitops.reading import read_catalogue
from terp.gitops.selection import select

CATALOGUE = read_catalogue()
NAMES = [f"c{number}" for number in range(12)]
Needs = dict[str, tuple[str, ...]]


@st.composite
def acyclic(draw: st.DrawFn) -> Needs:
    """Components that need others before them in some order."""
    order = draw(st.permutations(draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))))
    return {
        name: tuple(draw(st.lists(st.sampled_from(order[:place])))) if place else ()
        for place, name in enumerate(order)
    }


any_needs = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES)), min_size=1).map(
    lambda found: {name: tuple(need for need in needs if need in found) for name, needs in found.items()}
)


@given(acyclic())
def test_every_need_lies_in_an_earlier_wave_and_no_wave_could_be_earlier(needs: Needs):
    found = graph(needs)
    assert sorted(name for wave in found.waves for name in wave) == sorted(needs)
    for name, each in needs.items():
        assert found.wave(name) == max((found.wave(need) + 1 for need in each), default=0)


@given(acyclic())
def test_the_critical_path_is_a_chain_of_needs_through_every_wave(needs: Needs):
    found = graph(needs)
    path = found.critical_path
    assert [found.wave(name) for name in path] == list(range(len(found.waves)))
    assert all(before in needs[after] for before, after in pairwise(path))


@given(acyclic(), st.randoms())
def test_the_order_in_which_needs_are_declared_changes_nothing(needs: Needs, random):
    shuffled = list(needs.items())
    random.shuffle(shuffled)
    assert graph(dict(shuffled)) == graph(needs)


@given(any_needs)
def test_a_cycle_is_shown_and_is_one(needs: Needs):
    try:
        found = graph(needs)
    except CycleOfNeedsError as error:
        assert error.path[0] == error.path[-1]
        assert len(error.path) > 1
        assert all(after in needs[before] for before, after in pairwise(error.path))
    else:
        assert all(found.wave(need) < found.wave(name) for name in needs for need in needs[name])


def test_a_cycle_says_who_waits_for_whom():
    with pytest.raises(CycleOfNeedsError) as caught:
        graph({"harbor": ("keycloak",), "keycloak": ("postgres",), "postgres": ("harbor",), "x": ()})
    assert set(caught.value.path) == {"harbor", "keycloak", "postgres"}
    assert " needs " in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("profile", ["small", "ha"])
@pytest.mark.parametrize("secrets", ["vault", "openbao", "https://vault.example.org"])
@pytest.mark.parametrize("s3", ["minio", "seaweedfs", "rook-ceph-cluster", "https://s3.example.org"])
def test_the_catalogue_has_no_cycle_with_any_choice_of_providers(profile: str, secrets: str, s3: str):
    assert whole(profile=profile, providers={"secrets": secrets, "s3": s3}).waves


def whole(**keys: object) -> Graph:
    """The graph of a platform with every component."""
    chosen = platform(**keys)
    optional = {name: True for name, each in CATALOGUE.components.items() if not each.provides}
    everything = chosen.model_copy(update={"components": optional})
    return graph(select(CATALOGUE, everything).needs)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("prometheus-operator-crds", "kube-prometheus-stack"),
        ("cert-manager", "vault-issuer"),
        ("vault", "secret-store"),
        ("istio-base", "istiod"),
        ("istiod", "istio-cni"),
        ("istio-cni", "istio-ingressgateway"),
        ("cloudnative-pg", "keycloak"),
        ("keycloak", "harbor-configuration"),
        ("minio", "loki"),
        ("node-feature-discovery", "gpu-operator"),
        ("kubeflow-istio-resources", "kubeflow-dashboard"),
        ("kubeflow-profiles", "kubeflow-pipelines"),
    ],
)
def test_the_platform_comes_in_the_order_that_its_projects_ask_for(first: str, then: str):
    found = whole()
    assert found.wave(first) < found.wave(then)
