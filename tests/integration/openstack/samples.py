"""Environments of the tests, as their files say them."""

from typing import Any

from tests.integration.openstack.site import IMAGE


def small(**pools: int) -> dict[str, Any]:
    """One control-plane node, and pools of so many workers; not protected."""
    return {
        "owner": "tests",
        "protected": False,
        "cloud": {"name": "embedded"},
        "network": {"nodes": "10.40.0.0/24"},
        "nodes": {
            "image": IMAGE,
            "control_plane": {"flavor": "m1.small", "affinity": "none"},
            "pools": {name: {"count": count, "flavor": "m1.small"} for name, count in pools.items()},
        },
        "kubernetes": {"installer": "none"},
    }


def three_nodes() -> dict[str, Any]:
    """One control-plane node with a floating IP, two workers, a bastion."""
    environment = small(cpu=2)
    environment["nodes"]["control_plane"]["first_address"] = "10.40.0.10"
    environment["access"] = {
        "bastion": {"flavor": "m1.tiny", "address": "10.40.0.5"},
        "ssh": {"allowed_from": ["10.99.0.0/16"]},
        "api": {"floating_ip": "new", "allowed_from": ["10.98.0.0/16"]},
        "node_ports_from": ["10.97.0.0/16"],
    }
    return environment


def eight_nodes() -> dict[str, Any]:
    """Three control-plane nodes with etcd, a load balancer, two pools, storage network, dual stack."""
    return {
        "owner": "tests",
        "cloud": {"name": "embedded"},
        "network": {
            "nodes": "10.41.0.0/24",
            "nodes_ipv6": "fd00:10:41::/64",
            "dns_servers": ["10.0.0.53"],
            "additional": {"storage": {"cidr": "10.42.0.0/24", "mtu": 1400, "port_security": False}},
            "kubernetes": {
                "pods_ipv6": "fd85:ee78:d8a6:8607::1:0/112",
                "services_ipv6": "fd85:ee78:d8a6:8607::1000/116",
            },
        },
        "nodes": {
            "image": IMAGE,
            "control_plane": {
                "count": 3,
                "flavor": "m1.small",
                "zones": ["zone-a", "zone-b"],
                "affinity": "anti-affinity",
                "first_address": "10.41.0.10",
                "etcd_volume": {"size": 4, "type": "fast"},
            },
            "pools": {
                "gpu": {
                    "count": 2,
                    "flavor": "g1.xlarge",
                    "networks": ["storage"],
                    "volumes": {"scratch": {"size": 3, "mount": "/scratch", "filesystem": "xfs"}},
                    "rules": [{"protocol": "tcp", "first": 9400, "sources": ["10.96.0.0/16"]}],
                },
                "cpu": {"count": 3, "flavor": "m1.small", "root_volume": {"size": 20, "type": "fast"}},
            },
        },
        "access": {
            "bastion": {"flavor": "m1.tiny"},
            "ssh": {"allowed_from": ["10.99.0.0/16", "2001:db8:1::/48"]},
            "api": {"endpoint": "load-balancer", "floating_ip": "new", "allowed_from": ["10.98.0.0/16"]},
        },
        "kubernetes": {"installer": "none"},
    }
