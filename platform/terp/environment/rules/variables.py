"""Free variables of Kubespray: names that it has, that Terp leaves free, and no secrets."""

import re
from collections.abc import Iterator

from terp.environment.environment import Environment
from terp.environment.findings import Finding, nearest
from terp.environment.kubespray import known_variables

OF_ANSIBLE = ("ansible_python_interpreter", "ansible_remote_tmp")
"""Of Ansible's own variables those that may be set; the others say how hosts are reached: Terp knows."""
SECRET = re.compile(r"(passw(or)?d|_pass|_(client|credential)_secret|_secret_key|_ipsec_key|_registry_auth)$")
"""How the names of Kubespray's secrets end."""
NO_KEY = ""
CREDENTIAL = (
    "auth_url",
    "region",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
)
"""What Kubespray asks of an application credential: all of it, the name too."""
UNUSED = ("username", "password", "tenant_id", "tenant_name", "domain_id", "domain_name")
"""What other credentials have; Kubespray would take it from the environment of the machine it runs on."""
OF_OPENSTACK = ("external_openstack", "cinder")
"""How the names of the two begin: those of the cloud controller, and of Cinder CSI."""
OWN = {
    **{
        f"{whose}_{each}": "kubernetes.openstack.credential"
        for whose in OF_OPENSTACK
        for each in (*CREDENTIAL, *UNUSED)
    },
    **{f"{whose}_cacert": "access.trusted_ca" for whose in OF_OPENSTACK},
    "artifacts_dir": NO_KEY,
    "auto_renew_certificates": NO_KEY,
    "calico_ipip_mode": NO_KEY,
    "calico_mtu": "network.mtu",
    "calico_network_backend": NO_KEY,
    "calico_veth_mtu": "network.mtu",
    "calico_vxlan_mode": NO_KEY,
    "cinder_csi_enabled": "kubernetes.openstack.cinder_csi",
    "cloud_provider": "kubernetes.openstack",
    "cluster_name": NO_KEY,
    "container_manager": NO_KEY,
    "containerd_registries_mirrors": "kubernetes.registries",
    "credentials_dir": NO_KEY,
    "dl_k8s_io_url": "kubernetes.mirror",
    "dns_domain": "kubernetes.dns.domain",
    "drain_grace_period": "kubernetes.upgrade.drain_grace_period",
    "drain_nodes": NO_KEY,
    "drain_timeout": "kubernetes.upgrade.drain_timeout",
    "enable_dual_stack_networks": "network.nodes_ipv6",
    "enable_nodelocaldns": "kubernetes.dns.node_cache",
    "etcd_deployment_type": NO_KEY,
    "eviction_hard": "kubernetes.kubelet.eviction",
    "external_cloud_provider": "kubernetes.openstack.cloud_controller",
    "external_openstack_lbaas_provider": "access.api.provider",
    "external_openstack_network_internal_networks": "network.additional",
    "external_openstack_network_ipv6_disabled": "network.nodes_ipv6",
    "files_repo": "kubernetes.mirror",
    "force_etcd_cert_refresh": NO_KEY,
    "get_helm_url": "kubernetes.mirror",
    "github_url": "kubernetes.mirror",
    "ipv4_stack": "network.nodes",
    "ipv6_stack": "network.nodes_ipv6",
    "kube_apiserver_admission_control_config_file": "kubernetes.hardening",
    "kube_apiserver_admission_event_rate_limits": "kubernetes.hardening.event_rate_limit",
    "kube_apiserver_enable_admission_plugins": "kubernetes.hardening",
    "kube_cert_group": NO_KEY,
    "kube_controller_manager_bind_address": "kubernetes.hardening.local_components",
    "kube_cpu_reserved": "kubernetes.kubelet.reserved_for_kubernetes.cpu",
    "kube_encrypt_secret_data": "kubernetes.hardening.encryption",
    "kube_encrypt_token": "kubernetes.hardening.encryption",
    "kube_encryption_algorithm": "kubernetes.hardening.encryption",
    "kube_memory_reserved": "kubernetes.kubelet.reserved_for_kubernetes.memory",
    "kube_network_node_prefix": "kubernetes.network.node_prefix",
    "kube_network_node_prefix_ipv6": "kubernetes.network.node_prefix_ipv6",
    "kube_network_plugin": "kubernetes.network.plugin",
    "kube_oidc_auth": "kubernetes.oidc",
    "kube_oidc_ca_cert": "kubernetes.oidc.ca",
    "kube_oidc_ca_file": "kubernetes.oidc.ca",
    "kube_oidc_client_id": "kubernetes.oidc.client_id",
    "kube_oidc_groups_claim": "kubernetes.oidc.groups_claim",
    "kube_oidc_groups_prefix": "kubernetes.oidc.groups_prefix",
    "kube_oidc_url": "kubernetes.oidc.url",
    "kube_oidc_username_claim": "kubernetes.oidc.username_claim",
    "kube_oidc_username_prefix": "kubernetes.oidc.username_prefix",
    "kube_owner": NO_KEY,
    "kube_pod_security_default_enforce": "kubernetes.hardening.pod_security",
    "kube_pod_security_use_default": "kubernetes.hardening.pod_security",
    "kube_pods_subnet": "network.kubernetes.pods",
    "kube_pods_subnet_ipv6": "network.kubernetes.pods_ipv6",
    "kube_profiling": "kubernetes.hardening.without_profiling",
    "kube_proxy_mode": "kubernetes.network.proxy",
    "kube_proxy_strict_arp": "access.api.endpoint",
    "kube_scheduler_bind_address": "kubernetes.hardening.local_components",
    "kube_service_addresses": "network.kubernetes.services",
    "kube_service_addresses_ipv6": "network.kubernetes.services_ipv6",
    "kube_version": "kubernetes.version",
    "kube_vip_address": "access.api.virtual_ip",
    "kube_vip_arp_enabled": "access.api.endpoint",
    "kube_vip_controlplane_enabled": "access.api.endpoint",
    "kube_vip_enabled": "access.api.endpoint",
    "kubeconfig_localhost": NO_KEY,
    "kubelet_csr_approver_repository_url": "kubernetes.mirror",
    "kubelet_csr_approver_values": "kubernetes.hardening.kubelet_certificates",
    "kubelet_event_record_qps": "kubernetes.hardening.strict_kubelet",
    "kubelet_max_pods": "kubernetes.kubelet.max_pods",
    "kubelet_rotate_server_certificates": "kubernetes.hardening.kubelet_certificates",
    "kubelet_seccomp_default": "kubernetes.hardening.seccomp",
    "kubelet_secure_addresses": "kubernetes.hardening.kubelet_firewall",
    "kubelet_streaming_connection_idle_timeout": "kubernetes.hardening.strict_kubelet",
    "kubelet_systemd_hardening": "kubernetes.hardening.kubelet_firewall",
    "kubernetes_audit": "kubernetes.hardening.audit",
    "loadbalancer_apiserver": "access.api.endpoint",
    "node_labels": "nodes.pools.<name>.labels",
    "node_taints": "nodes.pools.<name>.taints",
    "override_system_hostname": NO_KEY,
    "serial": "kubernetes.upgrade.serial",
    "skip_confirmation": NO_KEY,
    "storage_googleapis_url": "kubernetes.mirror",
    "supplementary_addresses_in_ssl_keys": "access.api",
    "system_cpu_reserved": "kubernetes.kubelet.reserved_for_system.cpu",
    "system_memory_reserved": "kubernetes.kubelet.reserved_for_system.memory",
    "tls_cipher_suites": "kubernetes.hardening.tls_minimum",
    "tls_min_version": "kubernetes.hardening.tls_minimum",
    "upgrade_node_confirm": NO_KEY,
    "upgrade_node_post_upgrade_confirm": NO_KEY,
    "upstream_dns_servers": "kubernetes.dns.upstream",
}
"""Variables that Terp sets itself, and the key of an environment that says their value, if there is one."""


def variables_are_known_to_kubespray(environment: Environment) -> Iterator[Finding]:
    """A name that no role reads changes nothing; checked for the releases that Terp knows."""
    release = environment.kubernetes.kubespray.version
    known = known_variables(release)
    if known is None:
        return
    for name in environment.kubernetes.vars:
        if name in known or name in OF_ANSIBLE or name in OWN:
            continue
        near = nearest(name, known)
        yield Finding(
            key=("kubernetes", "vars", name),
            message=f'Kubespray {release} has no variable "{name}"',
            suggestion=f'did you mean "{near}"?' if near else "leave it out",
        )


def variables_leave_terps_own_alone(environment: Environment) -> Iterator[Finding]:
    """What Terp sets itself is said with the environment's own keys."""
    for name in environment.kubernetes.vars:
        if name in OWN:
            yield Finding(
                key=("kubernetes", "vars", name),
                message=f'Terp sets "{name}" itself',
                suggestion=f"use {OWN[name]}"
                if OWN[name]
                else "leave it out: no other value works with Terp",
            )


def variables_hold_no_secrets(environment: Environment) -> Iterator[Finding]:
    """They stand in a file that is shared, and on the hosts' disks."""
    for name, value in environment.kubernetes.vars.items():
        if name not in OWN and (SECRET.search(name) or _secure(value)):
            yield Finding(
                key=("kubernetes", "vars", name),
                message=f'"{name}" is a secret, and variables are written to files that many can read',
                suggestion="leave it out; a credential for OpenStack: kubernetes.openstack.credential",
            )


def _secure(value: object) -> bool:
    """Whether Pulumi's mark of a secret is somewhere in it."""
    if isinstance(value, dict):
        return value.keys() == {"secure"} or any(map(_secure, value.values()))
    return isinstance(value, list) and any(map(_secure, value))


VARIABLES = (
    variables_are_known_to_kubespray,
    variables_leave_terps_own_alone,
    variables_hold_no_secrets,
)
