"""ML2 mechanism driver: every port can be bound on every compute, at once ACTIVE.

The data plane (`terp.cloud.network`) follows Neutron's database, so nothing has to be told to an agent.
"""

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class TerpMechanismDriver(api.MechanismDriver):
    """Binds to the first segment."""

    def initialize(self) -> None:
        """Nothing to prepare."""

    @property
    def connectivity(self) -> str:
        """Ports have layer 2 between each other."""
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        """Bind; security groups are enforced below (CAP_PORT_FILTER)."""
        details = {
            portbindings.CAP_PORT_FILTER: True,
            portbindings.VIF_DETAILS_CONNECTIVITY: portbindings.CONNECTIVITY_L2,
        }
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID], portbindings.VIF_TYPE_OVS, details, status=constants.PORT_STATUS_ACTIVE
            )
