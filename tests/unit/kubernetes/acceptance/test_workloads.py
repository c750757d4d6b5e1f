from terp.kubernetes.acceptance import workloads


def test_a_pod_may_run_where_pods_are_restricted():
    """Pod Security Standards, "Restricted"."""
    spec = workloads.pod("a", "coredns:1", (), claim="data")["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] != 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert set(container["securityContext"]["capabilities"]["add"]) <= {"NET_BIND_SERVICE"}
    assert {kind for volume in spec["volumes"] for kind in volume} <= {
        "name",
        "configMap",
        "persistentVolumeClaim",
    }


def test_a_pod_goes_where_its_image_is_and_away_from_the_other():
    affinity = workloads.pod("a", "coredns:1", ("n1", "n2"))["spec"]["affinity"]
    (there,) = affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    (apart,) = affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert there["preference"]["matchExpressions"][0]["values"] == ["n1", "n2"]
    assert there["weight"] > apart["weight"]
    assert "nodeAffinity" not in workloads.pod("a", "coredns:1", ())["spec"]["affinity"]


def test_each_name_is_asked_of_the_one_that_answers_for_it():
    corefile = workloads.client_corefile("10.233.64.9", "10.233.0.77", "10.233.0.3")
    assert "direct.test:5353 {\n  errors\n  forward . 10.233.64.9:5353 {" in corefile
    assert "service.test:5353 {\n  errors\n  forward . 10.233.0.77:5353 {" in corefile
    assert "\n.:5353 {\n  errors\n  forward . 10.233.0.3 {" in corefile


def test_a_policy_without_callers_lets_none_through():
    assert workloads.network_policy("server", [])["spec"]["ingress"] == []
    (rule,) = workloads.network_policy("server", ["client"])["spec"]["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"] == {workloads.PART: "client"}
