"""What a rebuild refuses before anything is changed, and where it goes on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from tests.unit.recovery.samples import manifest
from typer.testing import CliRunner

from terp.cli import app
from terp.environment import Environment, read
from terp.errors import TerpError
from terp.paths import PROJECT
from terp.progress import progress_for
from terp.recovery import rebuild as module
from terp.recovery.age import new_key
from terp.recovery.rebuild import GIVE_BACK, RAISE, VERIFY, Rebuild, Record
from terp.recovery.sets import Sets
from terp.recovery.store import Directory
from terp.stack.events import Changes
from terp.stack.reap.model import Thing
from terp.stack.workflow import Result

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
RECORD = Record(set="20261128T120000Z-0", created=NOW, began=NOW, done=(GIVE_BACK,))


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rebuild]:
    """A rebuild beside a record that an earlier one has left."""
    monkeypatch.setenv("TERP_STATE", str(tmp_path))

    def make(record: Record | None) -> Rebuild:
        folder = tmp_path / "stacks" / "prod"
        folder.mkdir(parents=True)
        if record:
            (folder / "rebuild.json").write_text(record.model_dump_json())
        sets = Sets(Directory(tmp_path, "prod"))
        silent = progress_for(Console(quiet=True), tmp_path / "timings.json")
        return Rebuild("prod", sets, (), silent, lambda deployment: None)

    return make


def names(rebuild: Rebuild) -> list[str]:
    return [name for name, _ in rebuild.phases()]


def test_a_new_one_has_everything_before_it(begun: Callable[..., Rebuild]) -> None:
    assert names(begun(None)) == [GIVE_BACK, RAISE, VERIFY]


def test_one_that_was_cut_off_goes_on_at_its_phase(begun: Callable[..., Rebuild]) -> None:
    assert names(begun(RECORD)) == [RAISE, VERIFY]


def test_one_that_came_to_its_end_is_no_beginning(begun: Callable[..., Rebuild]) -> None:
    ended = RECORD.model_copy(update={"ended": NOW + timedelta(seconds=90)})
    assert ended.seconds == 90
    assert names(begun(ended)) == [GIVE_BACK, RAISE, VERIFY]


def environment(folder: Path, installer: str) -> Environment:
    document = yaml.safe_load((PROJECT / "stacks" / "Pulumi.smoke.yaml").read_text())
    document["config"]["terp:environment"]["kubernetes"] = {"installer": installer}
    file = folder / "Pulumi.smoke.yaml"
    file.write_text(yaml.safe_dump(document))
    return read(file)


@pytest.mark.parametrize(
    ("installer", "boots", "said"),
    [
        ("kubespray", True, "a cluster of kubespray cannot be begun"),
        ("none", True, "become none"),
        ("embedded", False, "become none"),
    ],
)
def test_a_cluster_that_cannot_be_begun_so_is_refused(
    installer: str, boots: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_cluster", lambda found: boots and found.kubernetes.installer != "none")
    with_cluster = manifest().model_copy(update={"layers": ("cloud", "cluster")})
    with pytest.raises(TerpError, match=said) as error:
        module._refuse_impossible(environment(tmp_path, installer), with_cluster)
    assert error.value.exit_code == 2
    module._refuse_impossible(environment(tmp_path, installer), manifest())


def test_data_of_the_old_cluster_is_in_nobodys_way() -> None:
    volume = Thing(kind="volume", id="1", name="pvc-1", stack="prod")
    assert not module._stays(volume)
    assert module._stays(volume.model_copy(update={"kept": True}))
    assert module._stays(volume.model_copy(update={"by_cluster": True}))
    assert not module._stays(Thing(kind="port", id="2", name="p", stack="prod", by_cluster=True))


def test_other_keys_than_those_of_the_set_are_named() -> None:
    module._same_keys({"ca.crt": "1"}, {"ca.crt": "1", "sa.key": "2"})
    with pytest.raises(TerpError, match=r"another ca\.crt than the set"):
        module._same_keys({"ca.crt": "1", "sa.key": "2"}, {"sa.key": "2"})


def test_an_up_is_told_by_its_layers() -> None:
    changes = Changes()
    changes.seconds = {"urn:pulumi:prod::terp::terp:kubernetes:Cluster::prod": 100.0}
    assert module._parts(Result(changes), 130.0) == [("hosts", 30.0), ("cluster", 100.0)]


@pytest.mark.parametrize("lost", ["sets", "key"])
def test_the_command_says_what_it_cannot_find(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    places = {"sets": tmp_path / "sets", "key": tmp_path / "key"}
    places["sets"].mkdir()
    new_key(places["key"])
    arguments = ["rebuild", "prod", "--from", str(places["sets"]), "--key", str(places["key"])]
    arguments[arguments.index(str(places[lost]))] = str(tmp_path / "nowhere")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, TerpError)
    assert result.exception.exit_code == 2
    assert "nowhere" in result.exception.message
    assert not (tmp_path / "state").exists()


def test_without_a_set_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    (tmp_path / "sets").mkdir()
    new_key(tmp_path / "key")
    arguments = ["rebuild", "prod", "--from", str(tmp_path / "sets"), "--key", str(tmp_path / "key")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, TerpError)
    assert "there is no recovery set" in result.exception.message
    assert not (tmp_path / "state" / "stacks").exists()
