"""The services' configuration, as it is written for a state."""

from collections.abc import Callable
from pathlib import Path

import pytest

from terp.cloud.configuration import Configuration, render
from terp.cloud.place import Place
from terp.cloud.plugins import ENTRY_POINTS, write_plugins
from terp.cloud.settings import read_settings
from terp.cloud.state import APIS, PASSWORDS, SOURCES, Ground, State

ROOT = "/state"


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state with chosen ports and passwords."""
    python = tmp_path / "venv/bin/python"
    (tmp_path / "venv/etc/nova").mkdir(parents=True)
    (tmp_path / "venv/etc/nova/api-paste.ini").touch()
    state = State(tmp_path / "state")
    state.create(read_settings(), packages=tmp_path / "packages", python=python, image=None, hosts=False)
    ground = Ground(
        place=Place(root=state.root, tag="t0000", packages=tmp_path / "packages", image=None),
        ports={name: 20_000 + number for number, name in enumerate((*APIS, SOURCES))},
        hosts=True,
        python=python,
    )
    state.write_private("ground.json", ground.model_dump_json())
    for name in PASSWORDS:
        state.write_private(f"secrets/{name}", f"password-of-{name}")
    return State(state.root)


def written(state: State) -> dict[str, str]:
    Configuration(state).write()
    places = {str(state.root): ROOT, str(state.root.parent): "/cache"}
    texts = {}
    for file in sorted(state.path("etc").glob("*/*.conf")):
        text = file.read_text()
        for real, shown in places.items():
            text = text.replace(real, shown)
        texts[file.name] = text
    return texts


def test_all_services_are_configured_as_before(state: State, golden: Callable[[str, str], None]) -> None:
    for name, text in written(state).items():
        golden(f"openstack/{name}", text)


def test_the_same_state_gives_the_same_files(state: State) -> None:
    assert written(state) == written(state)


def test_quotas_come_from_the_settings(state: State) -> None:
    texts, quotas = written(state), state.settings.quotas
    assert f"cores = {quotas.cores}" in texts["nova.conf"]
    assert f"quota_floatingip = {quotas.floating_ips}" in texts["neutron.conf"]
    assert f"quota_gigabytes = {quotas.gigabytes}" in texts["cinder.conf"]
    assert f"default_load_balancer_quota = {quotas.load_balancers}" in texts["octavia.conf"]


def test_files_with_passwords_are_private(state: State) -> None:
    written(state)
    for file in state.path("etc").glob("*/*.conf"):
        assert file.stat().st_mode & 0o077 == 0


def test_truth_is_written_as_openstack_reads_it() -> None:
    assert render({"a": {"yes": True, "no": False, "n": 1}}) == "[a]\nyes = true\nno = false\nn = 1\n"


def test_our_drivers_are_found_as_entry_points(state: State) -> None:
    write_plugins(state)
    text = state.path("plugins", "terp_embedded-1.dist-info", "entry_points.txt").read_text()
    for group, points in ENTRY_POINTS.items():
        assert f"[{group}]" in text
        for name, target in points.items():
            assert f"{name} = {target}" in text


def test_ports_lie_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    state = State(tmp_path / "other")
    ground = state.create(
        read_settings(), packages=tmp_path, python=tmp_path / "python", image=None, hosts=False
    )
    assert len(set(ground.ports.values())) == len((*APIS, SOURCES))
    assert all(20_000 <= port < 32_768 for port in ground.ports.values())
