"""A cluster's life in the hands of plain `pulumi`: the engine, the protocol and SSH are real."""

import pytest

from terp.paths import PROJECT
from tests.integration.provider.conftest import Hosts, Stack

pytestmark = [pytest.mark.hosts, pytest.mark.tools]
RAN = ["cluster.yml", "cluster.yml ended"]


def test_from_the_first_preview_to_the_end(stack: Stack, hosts: Hosts):
    preview = stack.run("preview", "--diff")
    assert "plan 1 of 1: cluster.yml on cp-1, worker-1: there is no cluster yet; about 4 s" in preview
    assert hosts.runs() == []

    stack.up()
    assert hosts.runs() == hosts.runs(1) == RAN
    outputs = stack.outputs()
    assert "server: https://api.example.org:6443" in outputs["kubeconfig"]
    assert outputs["ca_certificate"] == "certificate"
    assert set(outputs["keys"]) == set(outputs["fingerprints"]) == {"ca.crt", "ca.key", "sa.key", "sa.pub"}
    assert [(run["playbook"], run["result"]) for run in outputs["runs"]] == [("cluster.yml", "ok")]

    assert "unchanged" in stack.up()
    assert hosts.runs() == RAN

    nodes = [node.model_dump(mode="json") for node in hosts.nodes]
    stack.write(nodes=[nodes[2], nodes[1], nodes[0]], variables={"kube_oidc_auth": True})
    preview = stack.run("preview", "--diff")
    assert "kube_oidc_auth: false => true" in preview
    assert "+ [2]: {" in preview
    assert "upgrade-cluster.yml on cp-1: changed: kube_oidc_auth; interrupts" in preview
    assert "scale.yml on worker-2: worker-2 shall be in the cluster; about 4 s" in preview
    stack.up()
    assert hosts.runs(2)[-2:] == ["scale.yml", "scale.yml ended"]
    assert [node["name"] for node in stack.resource()["inputs"]["nodes"]] == ["cp-1", "worker-1", "worker-2"]

    stack.write(nodes=[nodes[0], nodes[2]])
    stack.up()
    assert hosts.runs(1)[-2:] == ["remove-node.yml", "remove-node.yml ended"]

    stack.run("refresh", "--yes", "--skip-preview")
    assert "unchanged" in stack.up()
    stack.run("destroy", "--yes", "--skip-preview")
    assert not (stack.folder / "terp" / "clusters" / "demo").exists()
    assert hosts.said("ls /etc/kubernetes/admin.conf")


def test_the_plugin_of_the_project_is_found_and_plans(stack: Stack, hosts: Hosts):
    project = stack.folder / "project" / "Pulumi.yaml"
    ours = PROJECT / "platform" / "terp" / "provider"
    project.write_text(project.read_text().replace(str(stack.folder / "plugin"), str(ours)))
    said = stack.run("preview")
    assert "plan 1 of 1: cluster.yml on cp-1, worker-1: there is no cluster yet" in said


def test_a_cluster_that_vanished_is_made_again(stack: Stack, hosts: Hosts):
    stack.up()
    hosts.said("rm -r /etc/kubernetes")
    stack.run("refresh", "--yes", "--skip-preview")
    stack.up()
    assert hosts.runs() == RAN * 2


def test_a_failed_run_leaves_a_cluster_that_the_next_up_goes_on_with(stack: Stack, hosts: Hosts):
    hosts.said("echo and-a-reason > /etc/broken")
    said = stack.up(fails=True)
    assert "cluster.yml: cp-1: no space left, token [secret] and-a-reason" in said
    assert "look at /etc/broken" in said
    assert stack.resource()["id"] == "demo"
    assert stack.resource()["initErrors"]

    hosts.said("rm /etc/broken")
    stack.up()
    assert hosts.runs() == RAN
    assert [run["result"] for run in stack.outputs()["runs"]] == ["failed", "ok"]
    assert "initErrors" not in stack.resource()


def test_another_key_on_the_hosts_stops_the_run(stack: Stack, hosts: Hosts):
    stack.up()
    hosts.said("echo another > /etc/kubernetes/pki/sa.key")
    stack.write(variables={"kube_oidc_auth": True})
    assert "cp-1 has another sa.key than the cluster that is recorded" in stack.up(fails=True)
    assert hosts.runs() == RAN


def test_wrong_inputs_are_named_before_anything_runs(stack: Stack, hosts: Hosts):
    stack.write(installer="other", private_key={"canary": "canary-private-key"})
    said = stack.up(fails=True)
    assert "Input should be 'kubespray' or 'embedded'" in said
    assert "canary" not in said
    assert hosts.runs() == []


def test_no_secret_is_in_the_state_or_in_what_is_printed(stack: Stack, hosts: Hosts):
    stack.write(variables={"kube_oidc_auth": True})
    stack.run("preview", "--diff")
    hosts.said("echo reason > /etc/broken")
    stack.up(fails=True)
    hosts.said("rm /etc/broken")
    stack.up()
    stack.run("refresh", "--yes", "--skip-preview")
    state = stack.pulumi.output("stack", "export")
    printed = "\n".join(stack.said)
    assert "begins with [secret]" in printed
    key = hosts.private_key.splitlines()[2]
    for text in (state, printed):
        assert "canary" not in text
        assert key not in text
    assert "canary-sa.key" in stack.outputs()["keys"]["sa.key"]
