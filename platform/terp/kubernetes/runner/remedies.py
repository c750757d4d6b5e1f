"""Failures that many have met, and what helped them; with the words of ssh, of Ansible and of Mitogen."""

import re
from typing import NamedTuple


class Remedy(NamedTuple):
    """Matches task and message; the first that does is shown."""

    task: str
    message: str
    advice: str


REMEDIES = (
    Remedy(
        "",
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|mismatching host key",
        "the host shows another key than its console did: it was rebuilt, or somebody is in between; run"
        " `pulumi refresh` if you rebuilt it",
    ),
    Remedy(
        "",
        r"Permission denied \(publickey|SSH authentication is incorrect",
        "the host does not know the stack's key: was its cloud-init cut short? See its console",
    ),
    Remedy(
        "",
        r"Connection reset by peer|kex_exchange_identification|MaxStartups|Session open refused",
        "sshd refuses more connections: raise MaxSessions and MaxStartups on it and on the bastion",
    ),
    Remedy(
        "",
        r"timed out|No route to host|Connection refused|Failed to (connect to the host|setup connection)",
        "the host does not answer SSH: see its console, and the security group's rule for port 22",
    ),
    Remedy(
        "",
        r"does not support '--limit'",
        "facts of the other hosts are missing: run facts.yml without a limit first",
    ),
    Remedy(
        "",
        r"Could not get lock|dpkg frontend lock|/var/lib/dpkg/lock",
        "another apt runs on the host: wait for `cloud-init status --wait` and stop apt-daily",
    ),
    Remedy(
        "",
        r"toomanyrequests|429 Too Many|rate limit",
        "the registry limits downloads: set kubernetes.mirror, or mirrors of docker.io for containerd",
    ),
    Remedy(
        r"(?i)download",
        r"",
        "the host cannot fetch it: try its address there, and set kubernetes.mirror where it has no way out",
    ),
    Remedy(
        r"(?i)etcd",
        r"(?i)health|unhealthy|timed? ?out|deadline|retries",
        "open TCP 2379-2380 between the members, see that their clocks agree, and how fast their disk syncs",
    ),
    Remedy(
        "",
        r"kube_version|not a supported version|checksum.*undefined",
        "this release does not know that Kubernetes version, or it has a leading v: `terp kubespray list`",
    ),
    Remedy(
        r"(?i)openstack|cinder|cloud.controller",
        r"(?i)cacert|certificate|No such file",
        "the CA file is read on the first control plane for the cloud controller, on this machine for Cinder",
    ),
    Remedy(
        "",
        r"(?i)node.*uninitialized|cloudprovider\.kubernetes\.io",
        "the cloud controller has not met the node: its name must be the server's, and its credential valid",
    ),
    Remedy(
        "",
        r"(?i)not in ansible_all_ipv4_addresses|'ip' .*local|is not a local address",
        "`ip` of the host is not on it: another network came first; see internal network names",
    ),
    Remedy(
        r"(?i)dns|resolv",
        r"",
        "name resolution on the node is broken or loops: set upstream_dns_servers",
    ),
    Remedy(
        r"(?i)memory",
        r"",
        "the host is too small: 1500 MB for a control plane, 1 GB for a worker",
    ),
    Remedy(r"(?i)drain", r"", "a pod cannot leave its node: see PodDisruptionBudgets, add room elsewhere"),
    Remedy("", r"(?i)no space left", "the disk of the host is full"),
)
"""From the failures that Kubespray's users report most."""


def remedy(task: str, message: str) -> str:
    """What is known to help; empty when nothing is."""
    for each in REMEDIES:
        if re.search(each.task, task) and re.search(each.message, message):
            return each.advice
    return ""
