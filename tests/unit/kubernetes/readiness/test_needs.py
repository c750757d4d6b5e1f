from terp.kubernetes.readiness.needs import FSYNC, needs_of

RANGES = {"kube_pods_subnet": "10.233.64.0/18", "kube_service_addresses": "10.233.0.0/18"}
MIRROR = {
    "files_repo": "http://10.0.0.80:8080",
    "github_url": "http://10.0.0.80:8080/github.com",
    "dl_k8s_io_url": "http://10.0.0.80:8080/dl.k8s.io",
    "containerd_registries_mirrors": [
        {"prefix": name, "mirrors": [{"host": "http://10.0.0.80:8080", "skip_verify": False}]}
        for name in ("docker.io", "quay.io", "registry.k8s.io")
    ],
}


def test_kubespray_downloads_and_makes_tunnels():
    needs = needs_of({**RANGES, "kube_network_plugin": "calico"}, "kubespray")
    assert needs.plugin == "calico"
    assert needs.names == ("github.com", "dl.k8s.io", "registry.k8s.io", "quay.io", "registry-1.docker.io")
    assert [(name, str(network)) for name, network in needs.networks] == [
        ("pods", "10.233.64.0/18"),
        ("Services", "10.233.0.0/18"),
    ]
    assert not needs.cgroup_v1


def test_with_a_mirror_nothing_else_needs_to_be_reached():
    needs = needs_of({**RANGES, **MIRROR}, "kubespray")
    assert needs.names == ("10.0.0.80",)
    assert needs.urls["http://10.0.0.80:8080/v2/"] is True


def test_a_mirror_whose_certificate_may_be_wrong_is_asked_without_it():
    own = [{"prefix": "quay.io", "mirrors": [{"host": "https://mirror.example.org", "skip_verify": True}]}]
    urls = needs_of({"containerd_registries_mirrors": own}, "kubespray").urls
    assert urls["https://mirror.example.org/v2/"] is False
    assert "https://quay.io/v2/" not in urls


def test_behind_a_proxy_hosts_need_no_names():
    needs = needs_of({"https_proxy": "http://proxy.example.org:3128"}, "kubespray")
    assert (needs.proxy, needs.names) == ("http://proxy.example.org:3128", ())
    assert needs.urls


def test_the_embedded_installer_needs_little():
    needs = needs_of({**RANGES, "kube_network_plugin": "calico"}, "embedded", ["a"])
    assert (needs.urls, needs.plugin, needs.cgroup_v1) == ({}, None, True)
    assert needs.fsync > FSYNC
    assert needs.members == {"a"}


def test_hosts_without_kubernetes_download_nothing():
    assert needs_of(RANGES, "none").urls == {}


def test_kubespray_needs_cgroup_v2_unless_the_environment_says_otherwise_or_leaves_it_to_each_host():
    for said, allowed in ((True, False), (False, True), ("{{ ansible_local.terp_kernel }}", True)):
        assert needs_of({"kubelet_fail_cgroup_v1": said}, "kubespray").cgroup_v1 is allowed


def test_what_stands_in_the_place_of_a_registry_is_what_nodes_must_reach():
    registries = [{"prefix": "quay.io", "mirrors": [], "server": "http://10.0.0.80:8080"}]
    urls = needs_of({"containerd_registries_mirrors": registries}, "kubespray").urls
    assert "http://10.0.0.80:8080/v2/" in urls
    assert "https://quay.io/v2/" not in urls
