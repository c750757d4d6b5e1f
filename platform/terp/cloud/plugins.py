"""Entry points of our drivers, without installing a distribution.

OpenStack finds drivers through the metadata of installed distributions (stevedore). A directory on the path
that holds nothing but such metadata is all it takes.
"""

from terp.cloud.state import State

ENTRY_POINTS = {
    "octavia.api.drivers": {"haproxy": "terp.cloud.drivers.balancer:TerpProviderDriver"},
    "neutron.ml2.mechanism_drivers": {"terp": "terp.cloud.drivers.mechanism:TerpMechanismDriver"},
    "neutron.service_plugins": {"terp_router": "terp.cloud.drivers.router:TerpRouterPlugin"},
}


def write_plugins(state: State) -> None:
    """Write the metadata under `plugins/`, which is on the services' path."""
    directory = state.path("plugins", "terp_embedded-1.dist-info")
    directory.mkdir(parents=True, exist_ok=True)
    directory.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: terp-embedded\nVersion: 1\n")
    lines = []
    for group, points in ENTRY_POINTS.items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items()), ""]
    directory.joinpath("entry_points.txt").write_text("\n".join(lines))
