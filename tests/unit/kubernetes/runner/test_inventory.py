import json

import yaml
from tests.unit.kubernetes.runner.nodes import FIRST, WORKER, node, run_of

from terp.kubernetes.runner.inventory import (
    arguments,
    group_variables,
    inventory,
    run_variables,
    secret_variables,
)


class Unsafe(yaml.SafeLoader):
    """Reads `!unsafe` as the text that it is."""


Unsafe.add_constructor("!unsafe", lambda loader, found: loader.construct_scalar(found))


def read(**more):
    return yaml.safe_load(inventory(run_of(**more), "-F /somewhere/ssh_config"))["all"]


def test_groups_have_the_hosts_of_their_role_in_the_order_of_the_run():
    both = node("cp-2", 3, roles=("control-plane", "worker"))
    groups = read(nodes=(both, FIRST, WORKER))["children"]
    assert list(groups["kube_control_plane"]["hosts"]) == ["cp-2", "cp-1"]
    assert list(groups["etcd"]["hosts"]) == ["cp-1"]
    assert list(groups["kube_node"]["hosts"]) == ["cp-2", "worker-1"]
    assert set(groups["k8s_cluster"]["children"]) == {"kube_control_plane", "kube_node", "calico_rr"}


def test_groups_that_templates_read_exist_without_hosts():
    groups = read()["children"]
    for name in ("calico_rr", "broken_etcd", "broken_kube_control_plane"):
        assert groups[name] == {"hosts": {}}
    assert "bastion" not in groups


def test_a_run_and_an_environment_may_have_groups_of_their_own():
    groups = read(groups={"broken_etcd": ("cp-1",)})["children"]
    assert list(groups["broken_etcd"]["hosts"]) == ["cp-1"]
    assert list(groups["gpu_nodes"]["hosts"]) == ["worker-1"]


def test_a_host_has_what_kubespray_reads_of_it():
    hosts = read()["hosts"]
    assert hosts["cp-1"] == {
        "ansible_host": "198.51.100.10",
        "ansible_user": "debian",
        "ip": "10.0.0.1",
        "access_ip": "10.0.0.1",
        "main_ip": "10.0.0.1",
        "main_access_ip": "10.0.0.1",
        "etcd_member_name": "cp-1",
    }
    assert hosts["worker-1"]["ip6"] == "fd00::2"
    assert hosts["worker-1"]["node_labels"] == {"pool": "cpu"}
    assert hosts["worker-1"]["node_taints"] == ["gpu=yes:NoSchedule"]


def test_ssh_goes_by_the_configuration_of_the_run():
    assert read()["vars"] == {"ansible_ssh_common_args": "-F /somewhere/ssh_config"}


def test_the_version_is_that_of_the_run_whatever_the_variables_say():
    variables = json.loads(group_variables(run_of(), {"kube_version": "1.0.0", "a": [True, None]}))
    assert variables == {"kube_version": "1.35.4", "a": [True, None]}


def test_variables_of_the_run_keep_their_types():
    assert json.loads(run_variables(run_of(variables={"yes": True, "n": 10}))) == {"yes": True, "n": 10}


def test_secrets_are_never_templates():
    secrets = {"token": "{{ lookup('env', 'HOME') }} \"'\\\n: #"}
    text = secret_variables(secrets)
    assert text.startswith('"token": !unsafe ')
    assert yaml.load(text, Unsafe) == secrets  # noqa: S506 - a safe loader
    assert yaml.safe_load(secret_variables({})) == {}


def test_arguments_name_files_and_no_values():
    run = run_of(limit=("etcd", "kube_control_plane"), tags=("apps",), skip_tags=("slow",))
    assert arguments(run, ["/a", "/b"]) == [
        *("--limit", "etcd,kube_control_plane", "--tags", "apps", "--skip-tags", "slow"),
        *("-e", "@/a", "-e", "@/b"),
    ]
