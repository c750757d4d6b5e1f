"""Which volumes a name means."""

import pytest
from openstack.block_storage.v3.volume import Volume

from terp.errors import TerpError
from terp.stack.kinds import KINDS
from terp.stack.reap.model import Thing
from terp.stack.reap.survey import Found
from terp.stack.retention import chosen, names_of

CLAIM = {"csi.storage.k8s.io/pvc/namespace": "mlflow", "csi.storage.k8s.io/pvc/name": "postgres-1"}
OF_CLAIM = Volume(id="1", name="pvc-9b1f", metadata=CLAIM)
OF_SERVER = Volume(id="2", name="prod-store-0-data", metadata={"terp_stack": "prod"})


def found(volume: Volume) -> Found:
    thing = Thing(kind="volume", id=volume.id, name=volume.name, stack="prod")
    return Found(thing, KINDS[1], volume)


ALL = [found(OF_CLAIM), found(OF_SERVER)]


def test_a_volume_is_called_by_its_claim_its_name_or_its_id() -> None:
    assert names_of(OF_CLAIM) == ("mlflow/postgres-1", "pvc-9b1f", "1")
    assert names_of(OF_SERVER) == ("prod-store-0-data", "2")


def test_each_is_chosen_once_however_it_is_called() -> None:
    assert chosen(["mlflow/postgres-1", "1", "prod-store-0-data"], ALL) == tuple(ALL)
    assert chosen([], ALL) == ()


def test_a_name_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(TerpError) as refused:
        chosen(["mlflow/postgres-2"], ALL)
    assert refused.value.exit_code == 2
    assert "mlflow/postgres-1" in refused.value.hint
