"""What Terp knows of Kubespray's releases, and what follows for an environment."""

import re

from terp.environment.kubernetes import (
    EMBEDDED_VERSIONS,
    Kubernetes,
    Kubespray,
    installable,
    kubernetes_version,
)
from terp.environment.kubespray import known_commit, known_kubernetes, known_releases, known_variables
from terp.environment.rules.variables import OWN
from terp.environment.schema import at, every_key

DEFAULT = Kubespray().version


def test_the_default_release_is_known():
    assert DEFAULT in known_releases()
    assert re.fullmatch(r"[0-9a-f]{40}", known_commit(DEFAULT) or "")
    assert known_kubernetes(DEFAULT)[0] == "1.35.4"
    assert len(known_variables(DEFAULT) or ()) > 1600


def test_nothing_is_said_of_a_release_that_is_not_known():
    assert known_commit("v1.0.0") is None
    assert known_kubernetes("v1.0.0") == ()
    assert known_variables("v1.0.0") is None
    assert known_variables("../v2.31.0") is None


def test_a_version_that_is_not_said_is_the_installers_default():
    assert kubernetes_version(Kubernetes()) == "1.35.4"
    assert kubernetes_version(Kubernetes(version="1.34.7")) == "1.34.7"
    assert kubernetes_version(Kubernetes(installer="embedded")) == EMBEDDED_VERSIONS[0]
    assert kubernetes_version(Kubernetes(kubespray=Kubespray(version="v1.0.0"))) is None
    assert installable(Kubernetes(installer="embedded")) == EMBEDDED_VERSIONS


def test_the_keys_that_are_named_instead_of_variables_are_there():
    keys = {".".join(str(step) for step in key) for key, _ in every_key()}
    named = {key.replace("<name>", "*") for key in OWN.values() if key}
    assert named - keys == set()
    assert at(("kubernetes", "vars")) is not None


def test_the_variables_that_terp_sets_are_kubesprays():
    assert OWN.keys() - (known_variables(DEFAULT) or frozenset()) == set()
