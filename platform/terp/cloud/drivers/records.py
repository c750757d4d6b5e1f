"""Nova virt driver whose servers are records: the whole API, no root, nothing that answers SSH."""

import base64
import hashlib
import os
import struct
import uuid
from pathlib import Path
from typing import Any

from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state
from nova.virt import fake

from terp.cloud.services.fault_rules import FaultRules
from terp.cloud.state import State

ROOT = Path(os.environ["TERP_CLOUD_ROOT"])
STATE = State(ROOT)
FAULTS = FaultRules(ROOT)

GPU = "CUSTOM_GPU"
KEYS = "-----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n"


class RecordDriver(fake.FakeDriver):
    """Servers are records.

    Nova's own fake driver forgets its servers with the process and invents node ids; this one does not.
    """

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._gpus = 0

    def init_host(self, host: str) -> None:
        """Take the compute's size from the settings, and its servers from the database."""
        super().init_host(host)
        self._set_nodes([host])
        one = next(each for each in STATE.settings.each_compute() if each.name == host)
        self.vcpus, self.memory_mb, self.local_gb, self._gpus = one.vcpus, one.memory, one.disk, one.gpus
        self.resources = fake.Resources(vcpus=one.vcpus, memory_mb=one.memory, local_gb=one.disk)
        self.host_status_base["hypervisor_hostname"] = host
        known = objects.InstanceList.get_by_host(
            nova_context.get_admin_context(), host, expected_attrs=["flavor"]
        )
        for instance in known:
            if instance.vm_state not in ("building", "deleted"):
                self._remember(instance, instance.power_state or power_state.RUNNING)

    def _remember(self, instance: Any, state: int) -> None:
        flavor = instance.flavor
        self.resources.claim(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)

    @staticmethod
    def _node(name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{STATE.ground.place.tag}.{name}"))

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """Node ids that survive a restart."""
        return {self._node(name): name for name in self.get_available_nodes()}

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """The compute's size, under its lasting id."""
        return {**super().get_available_resource(nodename), "uuid": self._node(nodename)}

    def update_provider_tree(self, provider_tree: Any, nodename: str, allocations: Any = None) -> None:
        """Tell Placement, scarce GPUs included."""
        super().update_provider_tree(provider_tree, nodename, allocations)
        if self._gpus:
            gpus = {"total": self._gpus, "max_unit": self._gpus, "min_unit": 1, "step_size": 1}
            inventory = {
                **provider_tree.data(nodename).inventory,
                GPU: {**gpus, "reserved": 0, "allocation_ratio": 1.0},
            }
            provider_tree.update_inventory(nodename, inventory)

    def spawn(self, context: Any, instance: Any, *how: Any, **more: Any) -> None:
        """Start a server, unless a fault rule says otherwise."""
        if FAULTS.fire(lambda rule: rule.meets_server("boot", instance.display_name)):
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason="the boot failed on purpose"
            )
        super().spawn(context, instance, *how, **more)

    def destroy(self, context: Any, instance: Any, *how: Any, **more: Any) -> None:
        """Forget the server."""
        if self.instances.pop(instance.uuid, None):
            flavor = instance.flavor
            self.resources.release(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        """What cloud-init of a host prints: its host key. Nobody has the private half of a record's."""
        kind = b"ssh-ed25519"
        point = hashlib.sha256(instance.uuid.encode()).digest()
        key = base64.b64encode(struct.pack(">I11sI32s", len(kind), kind, len(point), point)).decode()
        name = instance.hostname or instance.name
        return KEYS.format(key=f"ssh-ed25519 {key} root@{name}").encode()

    def attach_volume(
        self, context: Any, connection_info: Any, instance: Any, mountpoint: str, *how: Any, **more: Any
    ) -> None:
        """Attach a volume, unless a fault rule says otherwise."""
        if FAULTS.fire(lambda rule: rule.meets_server("attach", instance.display_name)):
            raise exception.VolumeAttachFailed(
                volume_id=connection_info["data"]["volume_id"], reason="refused on purpose"
            )
        super().attach_volume(context, connection_info, instance, mountpoint, *how, **more)

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """Forget the interface; Nova's own driver fails when the process was restarted since."""
        self._interfaces.pop(vif["id"], None)

    def default_root_device_name(self, instance: Any, image_meta: Any, root_bdm: Any) -> str:
        """As KVM servers have it."""
        return "/dev/vda"
