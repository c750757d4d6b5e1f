"""L3 service plugin without an agent: routers and floating IPs are records that the data plane follows."""

from typing import Any, ClassVar

from neutron.services.l3_router import l3_router_plugin
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import dvr, l3_ext_ha_mode, network_ha
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory

ROUTER_PORTS = (
    constants.DEVICE_OWNER_ROUTER_INTF,
    constants.DEVICE_OWNER_ROUTER_GW,
    constants.DEVICE_OWNER_FLOATINGIP,
)
NEED_AN_AGENT = (
    dvr.ALIAS,
    l3_ext_ha_mode.ALIAS,
    network_ha.ALIAS,
    "l3_agent_scheduler",
    "l3-flavors",
    "router_availability_zone",
    "router-admin-state-down-before-update",
)


@registry.has_registry_receivers
class TerpRouterPlugin(l3_router_plugin.L3RouterPlugin):
    """Neutron's own router plugin, less what only agents do."""

    _supported_extension_aliases: ClassVar = [
        alias
        for alias in l3_router_plugin.L3RouterPlugin._supported_extension_aliases
        if alias not in NEED_AN_AGENT
    ]

    def router_supports_scheduling(self, context: Any, router_id: str) -> bool:
        """No agent, no scheduling."""
        return False

    def schedule_router(self, *_: Any, **__: Any) -> None:
        """No agent, no scheduling."""

    def create_floatingip(self, context: Any, floatingip: Any) -> Any:
        """A floating IP is ACTIVE at once: the data plane needs no call back."""
        return super(l3_router_plugin.L3RouterPlugin, self).create_floatingip(
            context, floatingip, initial_status=constants.FLOATINGIP_STATUS_ACTIVE
        )

    @registry.receives(resources.PORT, [events.AFTER_CREATE])
    def _activate_router_port(self, resource: Any, event: Any, trigger: Any, payload: Any) -> None:
        port = payload.latest_state
        if port.get("device_owner") in ROUTER_PORTS:
            directory.get_plugin().update_port_status(
                neutron_context.get_admin_context(), port["id"], constants.PORT_STATUS_ACTIVE
            )
