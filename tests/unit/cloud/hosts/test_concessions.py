from terp.cloud.hosts.concessions import built_in


def test_what_is_built_in_is_known_by_parameters_file_systems_and_options() -> None:
    found = built_in(
        ["nf_conntrack"], "nodev\tsysfs\nnodev\toverlay\n\text4\n", frozenset({"BRIDGE_NETFILTER"})
    )
    assert found == ["br_netfilter", "ext4", "nf_conntrack", "overlay", "sysfs"]


def test_what_the_kernel_does_not_have_is_not_claimed() -> None:
    assert "ip_vs" not in built_in([], "", frozenset({"NF_TABLES"}))
