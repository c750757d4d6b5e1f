import pytest
from hypothesis import HealthCheck, given, settings

from terp.cloud.network import links
from terp.cloud.network.firewall import firewall
from terp.cloud.network.model import Snapshot
from terp.cloud.network.plan import numbered, zoned
from terp.cloud.network.routing import routers
from terp.cloud.place import Place
from tests.unit.cloud.network.snapshots import SMALL, snapshots

pytestmark = pytest.mark.hosts


@given(snapshots())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nftables_accepts_whatever_the_rules_and_address_pairs_are(place: Place, snapshot: Snapshot) -> None:
    rules = firewall(snapshot, numbered(snapshot, {}), zoned(snapshot, {}), legs=("leg",))
    links.tool(place, "nft").run("-c", "-f", "-", stdin=rules)


def test_nftables_accepts_the_rules_of_routers(place: Place) -> None:
    for changes in ({}, {"floating_ips": ()}, {"ports": SMALL.ports[:5]}):
        for router in routers(SMALL.model_copy(update=changes)):
            links.tool(place, "nft").run("-c", "-f", "-", stdin=router.rules)
