"""The configuration files of the OpenStack services, written from the state and the settings.

Options are those of OpenStack 2026.2. What differs from a production cloud is for one machine: no message
broker (`fake://` stays within a process), in-process caches, no periodic work, one worker.
"""

import shutil
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from terp.cloud.state import State

Value = str | float | Path
Sections = Mapping[str, Mapping[str, Value]]

QUIET = ",".join(
    f"{name}=WARN"
    for name in (
        "sqlalchemy",
        "oslo.messaging",
        "oslo_messaging",
        "urllib3",
        "stevedore",
        "keystonemiddleware",
        "nova",
        "neutron",
        "cinder",
        "glance",
        "placement",
        "keystone",
        "octavia",
    )
)
TYPES = {
    "glance": "image",
    "placement": "placement",
    "nova": "compute",
    "neutron": "network",
    "cinder": "block-storage",
    "octavia": "load-balancer",
}
"""Of the services in the catalogue."""
REGION = "RegionOne"
DOMAIN = "Default"
NOTIFY_NOBODY: Sections = {"oslo_messaging_notifications": {"driver": "noop"}}
SCOPED: Sections = {"oslo_policy": {"enforce_scope": True, "enforce_new_defaults": True}}


def render(sections: Sections) -> str:
    """An oslo.config file."""
    out = StringIO()
    for section, options in sections.items():
        out.write(f"[{section}]\n")
        for name, value in options.items():
            out.write(f"{name} = {str(value).lower() if isinstance(value, bool) else value}\n")
    return out.getvalue()


class Configuration:
    """Writes `etc/<service>/` of one cloud."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._share = state.ground.python.parent.parent / "etc"

    def write(self) -> None:
        """Write all files; the same state gives the same files."""
        state = self._state
        for service in ("keystone", "glance", "placement", "nova", "neutron", "cinder", "octavia"):
            state.path("etc", service).mkdir(exist_ok=True)
            state.path("data", service).mkdir(exist_ok=True)
        state.write_private("etc/keystone/keystone.conf", render(self._keystone()))
        state.write_private("etc/glance/glance-api.conf", render(self._glance()))
        state.write_private("etc/placement/placement.conf", render(self._placement()))
        state.write_private("etc/nova/nova.conf", render(self._nova()))
        state.write_private("etc/neutron/neutron.conf", render(self._neutron()))
        state.write_private("etc/cinder/cinder.conf", render(self._cinder()))
        state.write_private("etc/octavia/octavia.conf", render(self._octavia()))
        shutil.copy(self._paste("nova"), state.path("etc", "nova"))  # Nova looks for it beside nova.conf

    def _paste(self, service: str, name: str = "api-paste.ini") -> Path:
        return self._share / service / name

    def _account(self, service: str) -> dict[str, Value]:
        return {
            "auth_url": self._state.url("keystone", "/v3"),
            "auth_type": "password",
            "username": service,
            "password": self._state.password("service"),
            "project_name": "service",
            "user_domain_name": DOMAIN,
            "project_domain_name": DOMAIN,
        }

    def _client(self, service: str) -> dict[str, Value]:
        return {**self._account(service), "region_name": REGION, "valid_interfaces": "internal"}

    def _authenticated(self, service: str) -> Sections:
        return {
            "keystone_authtoken": {
                **self._account(service),
                "www_authenticate_uri": self._state.public_url("keystone", "/v3"),
                "service_type": TYPES[service],  # in the access rules of application credentials
                "service_token_roles": "service",
                "service_token_roles_required": True,
                "memcache_security_strategy": "None",
            },
            "service_user": {**self._client(service), "send_service_user_token": True},
            "oslo_concurrency": {"lock_path": self._state.path("data", "locks")},
            **NOTIFY_NOBODY,
            **SCOPED,
        }

    def _common(self, service: str) -> dict[str, Value]:
        return {
            "transport_url": "fake://",
            "state_path": self._state.path("data", service),
            "host": "embedded",
            "my_ip": "127.0.0.1",
            "use_stderr": True,
            "default_log_levels": QUIET,
            "log_options": False,
        }

    def _keystone(self) -> Sections:
        state = self._state
        return {
            "DEFAULT": {"use_stderr": True, "default_log_levels": QUIET},
            "database": {"connection": state.database_url("keystone")},
            "token": {"provider": "fernet", "expiration": 86_400},
            "fernet_tokens": {"key_repository": state.path("data", "keystone", "fernet")},
            "fernet_receipts": {"key_repository": state.path("data", "keystone", "fernet")},
            "credential": {"key_repository": state.path("data", "keystone", "credential")},
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
            "identity": {"password_hash_rounds": 4},  # random 24-byte passwords need no slow hash
            **NOTIFY_NOBODY,
        }

    def _glance(self) -> Sections:
        state = self._state
        data = state.path("data", "glance")
        return {
            "DEFAULT": {
                "bind_host": "127.0.0.1",
                "use_stderr": True,
                "default_log_levels": QUIET,
                "enabled_backends": "file:file",
                "worker_self_reference_url": state.url("glance"),
            },
            "database": {"connection": state.database_url("glance")},
            "glance_store": {"default_backend": "file"},
            "file": {"filesystem_store_datadir": data / "images"},
            "os_glance_staging_store": {"filesystem_store_datadir": data / "staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": data / "tasks"},
            "paste_deploy": {
                "flavor": "keystone",
                "config_file": self._paste("glance", "glance-api-paste.ini"),
            },
            **self._authenticated("glance"),
        }

    def _placement(self) -> Sections:
        return {
            "DEFAULT": {"use_stderr": True, "default_log_levels": QUIET},
            "api": {"auth_strategy": "keystone"},
            "placement_database": {"connection": self._state.database_url("placement")},
            **self._authenticated("placement"),
        }

    def _nova(self) -> Sections:
        state, quotas = self._state, self._state.settings.quotas
        return {
            "DEFAULT": {
                **self._common("nova"),
                "compute_driver": "terp.HostDriver" if state.ground.hosts else "terp.RecordDriver",
                "force_config_drive": True,
                "resume_guests_state_on_host_boot": True,
                "initial_cpu_allocation_ratio": 16.0,
                "initial_ram_allocation_ratio": 1.0,
                "reserved_host_memory_mb": 0,
                "rootwrap_config": self._paste("nova", "rootwrap.conf"),
                "vif_plugging_is_fatal": False,
                "vif_plugging_timeout": 0,
                "report_interval": 30,
                "service_down_time": 180,
                "update_resources_interval": 3_600,
                "sync_power_state_interval": 10 if state.ground.hosts else -1,
                "heal_instance_info_cache_interval": -1,
                "running_deleted_instance_action": "noop",
                "reclaim_instance_interval": 0,
                "volume_usage_poll_interval": 0,
                "periodic_fuzzy_delay": 0,
            },
            "conductor": {"workers": 1},
            "scheduler": {"workers": 1, "max_attempts": 20, "discover_hosts_in_cells_interval": -1},
            "filter_scheduler": {
                # Parallel boots of one anti-affinity group must not all choose the same compute.
                "host_subset_size": 4,
                "shuffle_best_same_weighed_hosts": True,
                "build_failure_weight_multiplier": 0,
            },
            "image_cache": {"manager_interval": -1},
            "api": {"auth_strategy": "keystone"},
            "wsgi": {"api_paste_config": self._paste("nova")},
            "api_database": {"connection": state.database_url("nova_api"), "max_pool_size": 30},
            "database": {"connection": state.database_url("nova_cell1"), "max_pool_size": 30},
            "quota": {
                "instances": quotas.instances,
                "cores": quotas.cores,
                "ram": quotas.memory,
                "key_pairs": quotas.key_pairs,
                "server_groups": quotas.server_groups,
                "server_group_members": quotas.server_group_members,
            },
            "vnc": {"enabled": False},
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
            "glance": {"api_servers": state.url("glance")},
            "placement": self._client("placement"),
            "neutron": {**self._client("neutron"), "service_metadata_proxy": False},
            "cinder": {**self._client("nova"), "catalog_info": "block-storage::internalURL"},
            **self._authenticated("nova"),
        }

    def _neutron(self) -> Sections:
        state, quotas = self._state, self._state.settings.quotas
        return {
            "DEFAULT": {
                **self._common("neutron"),
                "core_plugin": "ml2",
                "service_plugins": "terp_router",
                "auth_strategy": "keystone",
                "api_paste_config": self._paste("neutron"),
                "api_workers": 1,
                "rpc_workers": 0,
                "notify_nova_on_port_status_changes": False,
                "notify_nova_on_port_data_changes": False,
                "dhcp_agent_notification": False,
                "dns_domain": "cloud.internal.",
                "max_fixed_ips_per_port": 20,
                "max_allowed_address_pair": 50,
                "global_physnet_mtu": 1500,
            },
            "database": {"connection": state.database_url("neutron"), "max_pool_size": 30},
            "quotas": {
                "quota_network": quotas.networks,
                "quota_subnet": quotas.subnets,
                "quota_port": quotas.ports,
                "quota_router": quotas.routers,
                "quota_floatingip": quotas.floating_ips,
                "quota_security_group": quotas.security_groups,
                "quota_security_group_rule": quotas.security_group_rules,
            },
            "nova": self._client("nova"),
            "placement": self._client("placement"),
            "ml2": {
                "type_drivers": "local,flat,vlan,geneve",
                "tenant_network_types": "geneve",
                "mechanism_drivers": "terp",
                "extension_drivers": "port_security,dns",
                "path_mtu": 1500,
            },
            "ml2_type_flat": {"flat_networks": "external"},
            "ml2_type_geneve": {"vni_ranges": "1:65535", "max_header_size": 38},
            "securitygroup": {"enable_security_group": True, "firewall_driver": "noop"},
            **self._authenticated("neutron"),
        }

    def _cinder(self) -> Sections:
        state, quotas = self._state, self._state.settings.quotas
        kinds = state.settings.volume_types
        return {
            "DEFAULT": {
                **self._common("cinder"),
                "rootwrap_config": self._paste("cinder", "rootwrap.conf"),
                "api_paste_config": self._paste("cinder"),
                "resource_query_filters_file": self._paste("cinder", "resource_filters.json"),
                "auth_strategy": "keystone",
                "enabled_backends": "embedded",
                "default_volume_type": kinds[0],
                "glance_api_servers": state.url("glance"),
                "quota_volumes": quotas.volumes,
                "quota_snapshots": quotas.snapshots,
                "quota_gigabytes": quotas.gigabytes,
                "osapi_volume_workers": 1,
                "report_interval": 30,
                "service_down_time": 180,
                "backend_stats_polling_interval": 120,
                "scheduler_driver_init_wait_time": 1,
            },
            "database": {"connection": state.database_url("cinder"), "max_pool_size": 30},
            "nova": {**self._client("nova"), "interface": "internal"},
            "embedded": {
                "volume_driver": "terp.cloud.drivers.volume.SparseFileDriver",
                "volume_backend_name": "embedded",
            },
            "coordination": {"backend_url": f"file://{state.path('data', 'cinder')}"},
            **self._authenticated("cinder"),
        }

    def _octavia(self) -> Sections:
        state, quotas = self._state, self._state.settings.quotas
        ours = "haproxy: HAProxy in a namespace on the VIP's network"
        return {
            "DEFAULT": {
                "transport_url": "fake://",
                "host": "embedded",
                "use_stderr": True,
                "default_log_levels": QUIET,
                "log_options": False,
            },
            "api_settings": {
                "auth_strategy": "keystone",
                "api_base_uri": state.public_url("octavia"),
                "enabled_provider_drivers": ours,
                "default_provider_driver": "haproxy",
            },
            "database": {"connection": state.database_url("octavia")},
            "controller_worker": {"network_driver": "allowed_address_pairs_driver"},
            "networking": {"port_detach_timeout": 60},
            "service_auth": self._client("octavia"),
            "neutron": self._client("octavia"),
            "quotas": {
                "default_load_balancer_quota": quotas.load_balancers,
                "default_listener_quota": quotas.load_balancers * 10,
                "default_pool_quota": quotas.load_balancers * 10,
                "default_member_quota": quotas.load_balancers * 100,
                "default_health_monitor_quota": quotas.load_balancers * 10,
            },
            **self._authenticated("octavia"),
        }
