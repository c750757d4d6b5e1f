import json
from pathlib import Path

import pytest
from tests.unit.kubernetes.runner.nodes import FIRST, WORKER

from terp.kubernetes.runner.facts import purge


@pytest.mark.parametrize("prefix", ["", "s1_"])
@pytest.mark.parametrize(
    ("nodes", "gone"),
    [
        ((FIRST, WORKER), []),
        ((FIRST,), ["worker-1"]),
        ((FIRST, WORKER.model_copy(update={"host_key": "ssh-ed25519 NEW"})), ["worker-1"]),
        ((FIRST.model_copy(update={"address": "10.0.0.77"}), WORKER), ["cp-1"]),
    ],
)
def test_facts_stay_as_long_as_their_host(tmp_path: Path, prefix: str, nodes, gone):
    folder, known = tmp_path / "facts", tmp_path / "facts.json"
    assert purge(folder, known, (FIRST, WORKER)) == []
    for node in (FIRST, WORKER):
        (folder / f"{prefix}{node.name}").write_text("{}")
    assert purge(folder, known, nodes) == gone
    left = {"cp-1", "worker-1"} - set(gone)
    assert {file.name for file in folder.iterdir()} == {f"{prefix}{name}" for name in left}
    assert set(json.loads(known.read_text())) == {node.name for node in nodes}


def test_facts_of_nobody_knows_whom_go(tmp_path: Path):
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "cp-1").write_text("{}")
    assert purge(folder, tmp_path / "facts.json", (FIRST,)) == ["cp-1"]
