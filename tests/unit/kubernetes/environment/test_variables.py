"""The group variables of every valid environment, as golden files; what must hold of all of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from terp.environment import Environment, check, read
from terp.environment.kubespray import known_variables
from terp.environment.rules.variables import OWN
from terp.environment.stack_file import stack_name
from terp.kubernetes.variables import group_variables, run_variables, secret_names
from terp.paths import PROJECT

VALID = sorted((PROJECT / "tests" / "fixtures" / "valid").glob("*.yaml"))
FREE = {"etcd_backup_retention_count", "external_openstack_lbaas_enabled", "external_openstack_lbaas_method"}
FREE |= {"cilium_install_extra_flags", "helm_enabled", "kube_resolv_conf", "ntp_enabled", "resolvconf_mode"}
"""What Terp chooses and `vars` may choose otherwise."""


def environment(**kubernetes: Any) -> Environment:
    value = {
        "cloud": {"name": "internal", "dns": {"zone": "ml.example.org."}},
        "nodes": {"image": "debian-12", "control_plane": {"flavor": "m1.large", "schedulable": True}},
        "kubernetes": kubernetes,
    }
    return check(value)


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_variables_of_an_environment(file: Path, golden: Callable[[str, str], None]):
    environment = read(file)
    said = {
        "variables": group_variables(environment, stack_name(file)),
        "of each run": run_variables(environment),
        "secrets": list(secret_names(environment)),
    }
    golden(f"kubernetes/variables/{file.stem}.yaml", yaml.safe_dump(said, sort_keys=False, width=110))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_kubespray_knows_every_name(file: Path):
    environment = read(file)
    names = {*group_variables(environment, "a"), *run_variables(environment), *secret_names(environment)}
    assert names - (known_variables("v2.31.0") or frozenset()) == set()


def test_what_terp_sets_is_refused_among_the_free_variables_or_may_be_overridden():
    set_by_terp = {
        name
        for file in VALID
        for name in {*group_variables(read(file), "a"), *secret_names(read(file))}
        - {*read(file).kubernetes.vars}
    }
    assert set_by_terp - OWN.keys() == FREE


def test_a_free_variable_takes_the_place_of_what_terp_chooses():
    assert group_variables(environment(), "a")["etcd_backup_retention_count"] == 5
    assert (
        group_variables(environment(vars={"etcd_backup_retention_count": 9}), "a")[
            "etcd_backup_retention_count"
        ]
        == 9
    )


def test_switches_are_booleans_and_never_text():
    """Ansible 2.19 takes no text for a condition."""
    for file in VALID:
        variables = group_variables(read(file), "a")
        texts = [name for name, each in variables.items() if str(each).lower() in {"true", "false"}]
        assert [name for name in texts if not isinstance(variables[name], bool)] == []
        assert [
            name for name in variables if name.endswith("_enabled") and not isinstance(variables[name], bool)
        ] == []


def test_no_secret_is_among_the_variables():
    for file in VALID:
        assert not group_variables(read(file), "a").keys() & set(secret_names(read(file)))


def test_the_certificate_has_the_names_that_the_api_is_called_by():
    names = group_variables(environment(), "prod", ["198.51.100.7"])["supplementary_addresses_in_ssl_keys"]
    assert names == ["api.prod.ml.example.org", "198.51.100.7"]


def test_pods_have_what_vxlan_leaves_of_the_mtu():
    value = {
        "cloud": {"name": "internal"},
        "network": {"mtu": 1450},
        "nodes": {"image": "debian-12", "control_plane": {"flavor": "m1.large", "schedulable": True}},
    }
    variables = group_variables(check(value), "a")
    assert (variables["calico_mtu"], variables["calico_veth_mtu"]) == (1400, 1400)
    assert "calico_mtu" not in group_variables(environment(), "a")


def test_an_offline_mirror_is_all_that_a_node_asks():
    variables = group_variables(environment(mirror="http://10.0.0.80:8080"), "a")
    registries: Any = variables["containerd_registries_mirrors"]
    assert {each["server"] for each in registries} == {"http://10.0.0.80:8080"}
    assert variables["dl_k8s_io_url"] == "http://10.0.0.80:8080/dl.k8s.io"


def test_nothing_of_openstack_comes_from_the_machines_own_environment():
    """Every variable of both parts whose default is a look-up of `OS_...` is set, or handed as a secret."""
    asked = environment(openstack={"credential": "cluster"})
    given = {*group_variables(asked, "a"), *secret_names(asked)}
    looked_up = (
        "auth_url",
        "region",
        "username",
        "password",
        "tenant_id",
        "tenant_name",
        "domain_id",
        "domain_name",
    )
    looked_up += ("cacert", *(f"application_credential_{each}" for each in ("id", "name", "secret")))
    assert {f"{whose}_{each}" for whose in ("external_openstack", "cinder") for each in looked_up} <= given


def test_behind_a_mirror_of_docker_stands_its_registry_and_not_its_website():
    mirrored = environment(registries={"docker.io": {"mirrors": ["https://docker.example.org"]}})
    (entry,) = cast("list[Any]", group_variables(mirrored, "a")["containerd_registries_mirrors"])
    assert entry["server"] == "https://registry-1.docker.io"
    assert "containerd_registries_mirrors" not in group_variables(environment(), "a")


def test_the_provider_ovn_gets_the_only_method_that_it_has():
    value = {
        "cloud": {"name": "internal"},
        "nodes": {"image": "debian-12", "control_plane": {"flavor": "m1.large", "schedulable": True}},
        "access": {"api": {"endpoint": "load-balancer", "provider": "ovn"}},
        "kubernetes": {"openstack": {"credential": "cluster", "cinder_csi": False}},
    }
    variables = group_variables(check(value), "a")
    assert variables["external_openstack_lbaas_method"] == "SOURCE_IP_PORT"
    assert variables["cinder_csi_enabled"] is False
    assert not [name for name in secret_names(check(value)) if name.startswith("cinder")]
