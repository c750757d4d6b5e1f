"""Ansible group variables of a cluster: a pure function of its environment, in Kubespray's names.

Names and defaults are those of Kubespray v2.31.0. Neither secrets nor versions are among them (`secret_names`
says which secrets go with them), nor what belongs to a run or to the machine that it runs on (where
`artifacts_dir` is): equal environments have equal variables.
"""

import base64
from collections.abc import Sequence

from pydantic import JsonValue

from terp.environment.environment import Environment
from terp.environment.kubernetes import Hardening, Oidc, upstream_resolvers
from terp.environment.rules.variables import CREDENTIAL, UNUSED

Variables = dict[str, JsonValue]
OVERHEAD = 50
"""Bytes of a packet that VXLAN takes (RFC 7348, 5)."""
SECRETBOX = "secretbox"
"""XSalsa20 and Poly1305; a later change of the algorithm would break Kubespray's reading of the old file."""
CIPHERS_OF_TLS_1_2 = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)
"""Forward secrecy and authenticated encryption alone; TLS 1.3 has no others."""
REGISTRIES = ("docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io")
"""Where Kubespray's images come from."""
ADDRESSES = {"docker.io": "https://registry-1.docker.io"}
"""Of registries that are not where their name says."""
DOWNLOADS = {
    "github_url": "github.com",
    "dl_k8s_io_url": "dl.k8s.io",
    "storage_googleapis_url": "storage.googleapis.com",
    "get_helm_url": "get.helm.sh",
}
"""Where Kubespray's files come from; a mirror has a folder for each."""
RESOLV_CONF = (
    "{{ '/run/systemd/resolve/resolv.conf'"
    " if '127.0.0.53' in ansible_facts['dns']['nameservers'] | default([]) else '/etc/resolv.conf' }}"
)
"""Whose resolvers pods get: those behind systemd-resolved, whose own address is in a pod the pod itself.
Kubespray knows that of Ubuntu and Fedora, not of Debian."""
CSR_APPROVER = "postfinance.github.io/kubelet-csr-approver"


def group_variables(
    environment: Environment, stack: str, certificate_names: Sequence[str] = ()
) -> dict[str, JsonValue]:
    """The variables of all hosts, by name.

    `certificate_names` are further names and addresses of the API that only the cloud knows, such as a new
    floating IP.
    """
    chosen: Variables = {
        **_hosts(),
        **_etcd(),
        **_ranges(environment),
        **_plugin(environment),
        **_endpoint(environment, stack, certificate_names),
        **_dns(environment, stack),
        **_hardening(environment, stack),
        **_oidc(environment.kubernetes.oidc),
        **_downloads(environment),
        **_kubelet(environment),
        **_openstack(environment, stack),
        **_upgrade(environment),
        **_platform(environment),
    }
    return dict(sorted({**chosen, **environment.kubernetes.vars}.items()))


def run_variables(environment: Environment) -> dict[str, JsonValue]:
    """Variables that a play reads before it has hosts: they work as extra variables of a run alone."""
    return {"serial": environment.kubernetes.upgrade.serial}


def secret_names(environment: Environment) -> tuple[str, ...]:
    """The variables that are handed to a run as secrets.

    `kube_encrypt_token` is text of 32 characters; the rest comes from the cluster's own credential.
    """
    kubernetes = environment.kubernetes
    names = ["kube_encrypt_token"] if kubernetes.hardening.encryption else []
    if kubernetes.openstack and kubernetes.openstack.cloud_controller:
        names += [f"external_openstack_{each}" for each in CREDENTIAL]
    if kubernetes.openstack and kubernetes.openstack.cinder_csi:
        names += [f"cinder_{each}" for each in CREDENTIAL]
    return tuple(names)


def _hosts() -> Variables:
    return {
        "container_manager": "containerd",
        "override_system_hostname": False,  # cloud-init has set it, and it is the name of the server
        "ntp_enabled": False,  # so are the time servers, in whichever program the image has
        "kubeconfig_localhost": True,
        "kube_owner": "root",  # Cilium needs it
        "kube_cert_group": "root",
        "auto_renew_certificates": False,  # v2.31.0 would restart the control plane every month
    }


def _etcd() -> Variables:
    return {
        "etcd_deployment_type": "host",  # a lost control plane recovers with no other
        "etcd_backup_retention_count": 5,  # one more at each restart, and none is ever removed by default
        "force_etcd_cert_refresh": False,  # those that are missing are made all the same
    }


def _ranges(environment: Environment) -> Variables:
    ranges, own = environment.network.kubernetes, environment.kubernetes.network
    both = bool(ranges.pods_ipv6 and ranges.services_ipv6)
    variables: Variables = {
        "ipv4_stack": True,
        "ipv6_stack": both,
        "kube_pods_subnet": str(ranges.pods),
        "kube_service_addresses": str(ranges.services),
        "kube_network_node_prefix": own.node_prefix,
    }
    if both:
        variables |= {
            "kube_pods_subnet_ipv6": str(ranges.pods_ipv6),
            "kube_service_addresses_ipv6": str(ranges.services_ipv6),
            "kube_network_node_prefix_ipv6": own.node_prefix_ipv6,
        }
    return variables


def _plugin(environment: Environment) -> Variables:
    network, mtu = environment.kubernetes.network, environment.network.mtu
    variables: Variables = {"kube_network_plugin": network.plugin, "kube_proxy_mode": network.proxy}
    if network.plugin == "calico":
        variables |= {
            "calico_network_backend": "vxlan",
            "calico_vxlan_mode": "Always",
            "calico_ipip_mode": "Never",
        }
        if mtu:  # both: Kubespray reads the second only if there is the first
            variables |= {"calico_mtu": mtu - OVERHEAD, "calico_veth_mtu": mtu - OVERHEAD}
    return variables


def _endpoint(environment: Environment, stack: str, certificate_names: Sequence[str]) -> Variables:
    """Nodes keep Kubespray's own proxy to the API, so that they do without the balancer."""
    api = environment.access.api
    literal = [str(each) for each in (api.virtual_ip, api.floating_ip) if each not in {None, "none", "new"}]
    dns = environment.cloud.dns
    named = [f"api.{stack}.{dns.zone.rstrip('.')}"] if dns else []
    names = list(dict.fromkeys([*literal, *named, *certificate_names]))
    variables: Variables = {"supplementary_addresses_in_ssl_keys": [*names]}
    if api.endpoint == "virtual-ip":
        variables |= {
            "kube_vip_enabled": True,
            "kube_vip_controlplane_enabled": True,
            "kube_vip_arp_enabled": True,
            "kube_vip_address": str(api.virtual_ip),
            "kube_proxy_strict_arp": True,
        }
    return variables


def _dns(environment: Environment, stack: str) -> Variables:
    dns = environment.kubernetes.dns
    upstream = upstream_resolvers(environment.kubernetes, environment.network.dns_servers)
    return {
        "cluster_name": stack,  # in the names of balancers, which clusters of one project tell apart
        "dns_domain": dns.domain,
        "enable_nodelocaldns": dns.node_cache,
        "kube_resolv_conf": RESOLV_CONF,
        "resolvconf_mode": "none",  # nodes keep their resolvers: asking the cluster's would be a loop
        "upstream_dns_servers": [str(each) for each in upstream],
    }


def _hardening(environment: Environment, stack: str) -> Variables:
    hardening = environment.kubernetes.hardening
    variables: Variables = {
        "kubernetes_audit": hardening.audit,
        "kube_encrypt_secret_data": hardening.encryption,
        "kube_profiling": not hardening.without_profiling,
        "kubelet_seccomp_default": hardening.seccomp,
        "tls_min_version": f"VersionTLS{hardening.tls_minimum.replace('.', '')}",
        **_admission(hardening),
        **_kubelet_certificates(environment, stack),
        **_kubelet_firewall(environment),
    }
    if hardening.encryption:
        variables["kube_encryption_algorithm"] = SECRETBOX
    if hardening.tls_minimum == "1.2":
        variables["tls_cipher_suites"] = [*CIPHERS_OF_TLS_1_2]
    if hardening.local_components:
        variables |= {
            "kube_controller_manager_bind_address": "127.0.0.1",
            "kube_scheduler_bind_address": "127.0.0.1",
        }
    if hardening.strict_kubelet:
        variables |= {"kubelet_event_record_qps": 1, "kubelet_streaming_connection_idle_timeout": "5m"}
    return variables


def _admission(hardening: Hardening) -> Variables:
    limited, checked = hardening.event_rate_limit, hardening.pod_security != "privileged"
    plugins = ["NodeRestriction", *["EventRateLimit"] * limited, *["PodSecurity"] * checked]
    variables: Variables = {
        "kube_apiserver_enable_admission_plugins": [*plugins],
        "kube_apiserver_admission_control_config_file": limited or checked,
        "kube_pod_security_use_default": checked,
    }
    if limited:
        variables["kube_apiserver_admission_event_rate_limits"] = {
            "namespaces": {"type": "Namespace", "qps": 50, "burst": 100, "cache_size": 2000},
            "users": {"type": "User", "qps": 50, "burst": 100, "cache_size": 2000},
        }
    if checked:
        variables["kube_pod_security_default_enforce"] = hardening.pod_security
    return variables


def _kubelet_certificates(environment: Environment, stack: str) -> Variables:
    """Approved for names of this stack with addresses of its nodes, whether DNS knows them or not."""
    if not environment.kubernetes.hardening.kubelet_certificates:
        return {"kubelet_rotate_server_certificates": False}
    network, mirror = environment.network, environment.kubernetes.mirror
    ranges = [str(each) for each in (network.nodes, network.nodes_ipv6) if each]
    variables: Variables = {
        "kubelet_rotate_server_certificates": True,
        "helm_enabled": True,  # the approver is a chart
        "kubelet_csr_approver_values": {
            "bypassDnsResolution": True,
            "providerIpPrefixes": [*ranges],
            "providerRegex": f"^{stack}-[a-z0-9-]+$",
        },
    }
    if mirror:
        variables["kubelet_csr_approver_repository_url"] = f"{mirror}/{CSR_APPROVER}"
    return variables


def _kubelet_firewall(environment: Environment) -> Variables:
    """Ranges instead of Kubespray's list of hosts, which every node would have to learn of each new one."""
    if not environment.kubernetes.hardening.kubelet_firewall:
        return {"kubelet_systemd_hardening": False}
    network, inside = environment.network, environment.network.kubernetes
    ranges = (
        *(network.nodes, inside.pods, inside.services),
        *(network.nodes_ipv6, inside.pods_ipv6, inside.services_ipv6),
    )
    allowed = " ".join(["localhost", "link-local", *(str(each) for each in ranges if each)])
    return {"kubelet_systemd_hardening": True, "kubelet_secure_addresses": allowed}


def _oidc(oidc: Oidc | None) -> Variables:
    if not oidc:
        return {"kube_oidc_auth": False}
    variables: Variables = {
        "kube_oidc_auth": True,
        "kube_oidc_url": oidc.url,
        "kube_oidc_client_id": oidc.client_id,
        "kube_oidc_username_claim": oidc.username_claim,
        "kube_oidc_username_prefix": oidc.username_prefix,
        "kube_oidc_groups_claim": oidc.groups_claim,
        "kube_oidc_groups_prefix": oidc.groups_prefix,
    }
    if oidc.ca:
        variables |= {
            "kube_oidc_ca_file": "{{ kube_cert_dir }}/oidc-ca.pem",
            "kube_oidc_ca_cert": base64.b64encode(oidc.ca.encode()).decode(),
        }
    return variables


def _downloads(environment: Environment) -> Variables:
    kubernetes = environment.kubernetes
    mirror = kubernetes.mirror
    registries = _registries(environment)
    variables: Variables = {"containerd_registries_mirrors": registries} if registries else {}
    if mirror:
        variables |= {"files_repo": mirror, **{name: f"{mirror}/{host}" for name, host in DOWNLOADS.items()}}
        if kubernetes.network.plugin == "cilium":
            variables["cilium_install_extra_flags"] = f"--repository {mirror}/helm.cilium.io/"
    return variables


def _registries(environment: Environment) -> list[JsonValue]:
    """Names of images stay as they are: containerd asks the mirrors, and then the offline mirror, if any.

    That is the registry's server and no mirror: of those Kubespray says whether to verify certificates, and
    containerd then tries TLS with a server that has none.
    """
    kubernetes = environment.kubernetes
    registries: list[JsonValue] = []
    for registry in sorted({*kubernetes.registries, *(REGISTRIES if kubernetes.mirror else ())}):
        own = kubernetes.registries.get(registry)
        mirrors = [_mirror(url, verify=own.verify) for url in own.mirrors] if own else []
        entry: dict[str, JsonValue] = {"prefix": registry, "mirrors": mirrors}
        if server := kubernetes.mirror or ADDRESSES.get(registry):
            entry["server"] = server
        registries.append(entry)
    return registries


def _mirror(url: str, *, verify: bool) -> JsonValue:
    return {"host": url, "capabilities": ["pull", "resolve"], "skip_verify": not verify}


def _kubelet(environment: Environment) -> Variables:
    kubelet = environment.kubernetes.kubelet
    return {
        "kubelet_max_pods": kubelet.max_pods,
        "kube_cpu_reserved": kubelet.reserved_for_kubernetes.cpu,
        "kube_memory_reserved": kubelet.reserved_for_kubernetes.memory,
        "system_cpu_reserved": kubelet.reserved_for_system.cpu,
        "system_memory_reserved": kubelet.reserved_for_system.memory,
        "eviction_hard": {
            "memory.available": kubelet.eviction.memory,
            "nodefs.available": kubelet.eviction.disk,
            "nodefs.inodesFree": kubelet.eviction.inodes,
            "imagefs.available": kubelet.eviction.image_disk,
        },
    }


def _openstack(environment: Environment, stack: str) -> Variables:
    openstack = environment.kubernetes.openstack
    controller = bool(openstack and openstack.cloud_controller)
    csi = bool(openstack and openstack.cinder_csi)
    variables: Variables = {
        "cloud_provider": "external" if controller else "",
        "external_cloud_provider": "openstack" if controller else "",
        "cinder_csi_enabled": csi,
    }
    if csi:
        variables |= _credential("cinder")
    if controller:
        provider = environment.access.api.provider
        variables |= {
            **_credential("external_openstack"),
            "external_openstack_lbaas_enabled": True,
            "external_openstack_network_ipv6_disabled": environment.network.nodes_ipv6 is None,
        }
        if environment.network.additional:
            existing = environment.network.existing
            variables["external_openstack_network_internal_networks"] = [
                existing.network if existing else f"{stack}-nodes"
            ]
        if provider:
            variables["external_openstack_lbaas_provider"] = provider
        if provider == "ovn":
            variables["external_openstack_lbaas_method"] = "SOURCE_IP_PORT"  # the only one it has
    return variables


def _credential(whose: str) -> Variables:
    """Nothing comes from this machine's environment; pods see the CA among those of their node."""
    return {f"{whose}_{each}": "" for each in (*UNUSED, "cacert")}


def _upgrade(environment: Environment) -> Variables:
    upgrade = environment.kubernetes.upgrade
    return {
        "drain_nodes": True,
        "drain_grace_period": upgrade.drain_grace_period,
        "drain_timeout": f"{upgrade.drain_timeout}s",
        "upgrade_node_confirm": False,  # a pause would wait for nobody
        "upgrade_node_post_upgrade_confirm": False,
    }


def _platform(environment: Environment) -> Variables:
    """Nodes of the embedded installer reach no registry: they are given what Argo CD runs."""
    embedded = environment.kubernetes.installer == "embedded"
    return {"platform_images": True} if embedded and environment.platform else {}
