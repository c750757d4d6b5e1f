"""Nova virt driver whose servers are real hosts on this machine."""

import copy
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nova import exception
from nova.api.metadata import base as metadata
from nova.compute import power_state, task_states
from nova.virt import driver, event, hardware
from oslo_log import log as logging

from terp.cloud.drivers.records import STATE, RecordDriver
from terp.cloud.hosts import Host, HostSpec, Nic

LOG = logging.getLogger(__name__)

NAMESERVER = "169.254.169.253"
"""Where every router of the data plane answers for the names of its servers."""
CONSOLE = 100 * 1024
WATCH_EVERY = 1.0
"""Seconds between two looks at whether a host went or came by itself."""


class _Volume(NamedTuple):
    id: str
    file: Path
    device: str
    boot: bool


def _volumes(block_device_info: Any) -> Iterator[_Volume]:
    for mapping in driver.block_device_info_get_mapping(block_device_info):
        data = mapping["connection_info"]["data"]
        yield _Volume(
            data["volume_id"],
            Path(data["device_path"]),
            mapping["mount_device"],
            mapping.get("boot_index") == 0,
        )


def _static(network_info: Any) -> Any:
    """Network information without DHCP: the config drive says every address, and where names resolve."""
    static = copy.deepcopy(network_info) or []
    for vif in static:
        for subnet in vif["network"]["subnets"]:
            subnet["meta"].pop("dhcp_server", None)
            subnet["meta"].pop("enable_dhcp", None)
            subnet["meta"].pop("ipv6_address_mode", None)  # nobody sends router advertisements
            if subnet["version"] == 4 and not subnet["dns"]:
                subnet["dns"] = [{"type": "dns", "address": NAMESERVER, "version": 4, "meta": {}}]
    return static


class HostDriver(RecordDriver):
    """Servers are real hosts of `terp.cloud.hosts`."""

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._ran: dict[str, bool] = {}

    def _machine(self, instance: Any) -> Host:
        return Host(STATE.ground.place, instance.uuid)

    def init_host(self, host: str) -> None:
        """Also watch for hosts that stop or start by themselves."""
        super().init_host(host)
        threading.Thread(target=self._watch, name=f"watch-{host}", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_EVERY)
            for server in list(self.instances):
                try:
                    self._look_at(server)
                except OSError:
                    LOG.exception("cannot look at host %s", server)

    def _look_at(self, server: str) -> None:
        host = Host(STATE.ground.place, server)
        if not host.exists():
            return
        runs, ran = host.running(), self._ran.get(server)
        if ran is not None and runs != ran:
            what = event.EVENT_LIFECYCLE_STARTED if runs else event.EVENT_LIFECYCLE_STOPPED
            self.emit_event(event.LifecycleEvent(server, what))
        self._ran[server] = runs

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: Any,
        allocations: Any,
        network_info: Any = None,
        block_device_info: Any = None,
        power_on: bool = True,
        accel_info: Any = None,
    ) -> None:
        """Make the host with its config drive, its NICs and its volumes, and start it."""
        super().spawn(
            context, instance, image_meta, injected_files, admin_password, allocations, network_info
        )
        drive = metadata.InstanceMetadata(
            instance,
            content=injected_files,
            extra_md={"admin_pass": admin_password} if admin_password else {},
            network_info=_static(network_info),
        )
        volumes = list(_volumes(block_device_info))
        spec = HostSpec(
            id=instance.uuid,
            name=instance.hostname or instance.name,
            memory=instance.flavor.memory_mb,
            vcpus=instance.flavor.vcpus,
            disk=instance.flavor.root_gb or 1,  # 0 when the root disk is a volume
            nics=tuple(_nic(vif) for vif in network_info or []),
            root_volume=next((volume.file for volume in volumes if volume.boot), None),
        )
        host = Host.create(STATE.ground.place, spec, dict(drive.metadata_for_config_drive()))
        for volume in volumes:
            if not volume.boot:
                host.attach(volume.id, volume.file, volume.device)
        if power_on:
            host.start()

    def destroy(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Any = None,
        destroy_disks: bool = True,
        destroy_secrets: bool = True,
    ) -> None:
        """Remove the host; with `destroy_disks` false its own disk stays (rebuild on another compute)."""
        self._ran.pop(instance.uuid, None)
        host = self._machine(instance)
        if instance.task_state == task_states.RESIZE_REVERTING:
            host.stop()  # it goes on where it came from
        elif destroy_disks:
            host.destroy()
        else:
            host.release()
        super().destroy(context, instance)

    def cleanup(self, context: Any, instance: Any, *how: Any, **more: Any) -> None:
        """Remove what a failed start left."""
        self._machine(instance).destroy()

    def get_info(self, instance: Any, use_cache: bool = True) -> Any:
        """Whether the host runs."""
        host = self._machine(instance)
        if not host.exists():
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return hardware.InstanceInfo(state=power_state.RUNNING if host.running() else power_state.SHUTDOWN)

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        """Ask the host to shut down; pull the plug after `timeout` seconds."""
        self._ran[instance.uuid] = False
        self._machine(instance).stop(timeout or 2)

    def power_on(self, context: Any, instance: Any, *how: Any, **more: Any) -> None:
        """Start the host from what is on disk."""
        self._machine(instance).start()
        self._ran[instance.uuid] = True

    def reboot(
        self, context: Any, instance: Any, network_info: Any, reboot_type: str, *how: Any, **more: Any
    ) -> None:
        """SOFT asks first, HARD pulls the plug."""
        self._ran.pop(instance.uuid, None)
        host = self._machine(instance)
        host.stop(15 if reboot_type == "SOFT" else 0)
        host.start()

    def resume_state_on_host_boot(self, context: Any, instance: Any, *how: Any, **more: Any) -> None:
        """Start a host that ran when the cloud went down."""
        self._machine(instance).start()

    def migrate_disk_and_power_off(
        self,
        context: Any,
        instance: Any,
        dest: str,
        flavor: Any,
        network_info: Any,
        block_device_info: Any = None,
        timeout: int = 0,
        retry_interval: int = 0,
    ) -> str:
        """Stop a host that another compute takes over; its disk is already where that one finds it."""
        if flavor.root_gb < instance.flavor.root_gb:
            raise exception.InstanceFaultRollback(exception.ResizeError(reason="the root disk cannot shrink"))
        self._ran.pop(instance.uuid, None)
        self._machine(instance).stop(timeout or 15)
        return "[]"

    def finish_migration(
        self,
        context: Any,
        migration: Any,
        instance: Any,
        disk_info: str,
        network_info: Any,
        image_meta: Any,
        resize_instance: bool,
        allocations: Any,
        block_device_info: Any = None,
        power_on: bool = True,
        share_info: Any = None,
    ) -> None:
        """Take over a host that another compute has stopped, in its new size."""
        super().spawn(context, instance, image_meta, [], None, allocations, network_info)
        self._resume(instance, power_on=power_on)

    def finish_revert_migration(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        migration: Any,
        block_device_info: Any = None,
        power_on: bool = True,
        share_info: Any = None,
    ) -> None:
        """Take it back in its old size."""
        super().finish_revert_migration(
            context, instance, network_info, migration, block_device_info, power_on
        )
        self._resume(instance, power_on=power_on)

    def confirm_migration(self, context: Any, migration: Any, instance: Any, network_info: Any) -> None:
        """Forget a host that another compute has taken over; it stays as it is."""
        self._ran.pop(instance.uuid, None)
        if migration.source_compute != migration.dest_compute:
            super().destroy(context, instance)

    def _resume(self, instance: Any, *, power_on: bool) -> None:
        host, flavor = self._machine(instance), instance.flavor
        host.resize(memory=flavor.memory_mb, vcpus=flavor.vcpus, disk=flavor.root_gb or 1)
        if power_on:
            host.start()
            self._ran[instance.uuid] = True

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        """The end of what the host printed while it booted."""
        return self._machine(instance).console(CONSOLE)

    def attach_volume(
        self, context: Any, connection_info: Any, instance: Any, mountpoint: str, *how: Any, **more: Any
    ) -> None:
        """The volume appears as a block device in the host."""
        super().attach_volume(context, connection_info, instance, mountpoint, *how, **more)
        data = connection_info["data"]
        self._machine(instance).attach(data["volume_id"], Path(data["device_path"]), mountpoint)

    def detach_volume(
        self,
        context: Any,
        connection_info: Any,
        instance: Any,
        mountpoint: str,
        encryption: Any = None,
    ) -> None:
        """The block device goes."""
        super().detach_volume(context, connection_info, instance, mountpoint, encryption)
        host = self._machine(instance)
        if host.exists():
            host.detach(connection_info["data"]["volume_id"])

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        """One more NIC, at once."""
        super().attach_interface(context, instance, image_meta, vif)
        self._machine(instance).plug(_nic(vif))

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """The NIC goes."""
        super().detach_interface(context, instance, vif)
        host = self._machine(instance)
        if host.exists():
            host.unplug(vif["id"])


def _nic(vif: Any) -> Nic:
    return Nic(
        port=vif["id"],
        mac=vif["address"],
        network=vif["network"]["id"],
        mtu=vif["network"]["meta"].get("mtu") or 1500,
    )
