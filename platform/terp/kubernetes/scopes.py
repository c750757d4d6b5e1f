"""Which run a changed group variable needs, by its name.

Plain `cluster.yml` rewrites kubeadm's configuration and leaves the static manifests as they are, and so does
not apply what changes in the control plane; `upgrade-cluster.yml` does (Kubespray v2.31.0; issues #9874 and
#11848 there). What is not known here gets the widest run.
"""

import re
from collections.abc import Iterable
from typing import Literal

Scope = Literal["fixed", "nothing", "control-plane", "nodes", "apps"]
"""`fixed`: cannot change on a living cluster. `nothing`: matters to runs alone. `nodes`: every host."""

PATTERNS: tuple[tuple[Scope, str], ...] = (
    ("fixed", r"kube_(pods_subnet|service_addresses|network_node_prefix)(_ipv6)?|ipv[46]_stack"),
    ("fixed", r"kube_network_plugin|container_manager|etcd_deployment_type|dns_domain|cluster_name"),
    ("fixed", r"kube_encryption_algorithm|etcd_data_dir"),
    ("nothing", r"(drain|upgrade|serial|download|retry|ping)_.*|serial|skip_.*|.*_(url|checksum)|files_repo"),
    ("nothing", r"(force_etcd_cert_refresh|etcd_backup_.*|kubeconfig_.*|artifacts_dir|credentials_dir)"),
    ("nothing", r"override_system_hostname|unsafe_show_logs|helm_enabled"),
    ("control-plane", r"kube_(oidc|apiserver|controller|scheduler|kubeadm_apiserver|kubeadm_controller)_?.*"),
    ("control-plane", r"kube_(encrypt|encryption|pod_security|api_anonymous|profiling|webhook)_?.*"),
    ("control-plane", r"kubernetes_audit.*|audit_.*|apiserver_.*|supplementary_addresses_in_ssl_keys"),
    ("control-plane", r"tls_.*|authorization_modes|remove_anonymous_access|auto_renew_certificates.*"),
    ("control-plane", r"etcd_.*|kube_vip_.*|loadbalancer_apiserver.*|kubeadm_.*"),
    ("apps", r"external_openstack_.*|cinder_.*|csi_.*|coredns_.*|dns_(?!domain).*|enable_nodelocaldns.*"),
    (
        "apps",
        r"nodelocaldns_.*|metrics_server_.*|kubelet_csr_approver_.*|upstream_dns_servers|platform_images",
    ),
    ("nodes", r"kubelet_.*|containerd_.*|kube_proxy_.*|(kube|system)_.*_reserved|eviction_.*"),
    ("nodes", r"calico_.*|cilium_.*|flannel_.*|resolvconf_mode|ntp_.*"),
)
"""In order: the first that fits a whole name says its scope."""
APP_TAGS = ("apps", "external-openstack", "cinder-csi-driver", "coredns")
"""Tags of Kubespray's plays that put add-ons into a cluster."""


def scope_of(variable: str) -> Scope:
    """The scope of a variable; `nodes` when its name tells nothing."""
    found = (scope for scope, pattern in PATTERNS if re.fullmatch(pattern, variable))
    return next(found, "nodes")


def by_scope(variables: Iterable[str]) -> dict[Scope, list[str]]:
    """Names by their scope, sorted."""
    found: dict[Scope, list[str]] = {}
    for name in sorted(variables):
        found.setdefault(scope_of(name), []).append(name)
    return found
