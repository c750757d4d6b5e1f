import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from terp.cloud.network import links
from terp.cloud.place import Place

pytestmark = pytest.mark.hosts

MAC = "fa:16:3e:00:00:01"


def ip(namespace: str, *words: str) -> str:
    return subprocess.run(["ip", "-n", namespace, *words], capture_output=True, text=True, timeout=10).stdout


def plug(
    place: Place, port: str, network: str, namespace: str, ifname: str = "eth0", mtu: int = 1442
) -> None:
    links.plug(place, port=port, mac=MAC, network=network, mtu=mtu, namespace=namespace, ifname=ifname)


@pytest.fixture
def server(place: Place) -> str:
    links.ensure_namespace(f"{place.tag}-server")
    return f"{place.tag}-server"


def test_a_port_is_plugged_between_its_network_and_a_namespace(place: Place, server: str) -> None:
    port, network = str(uuid.uuid4()), str(uuid.uuid4())
    plug(place, port, network, server)
    near = links.links(links.fabric(place), links.tap(port))[0]
    far = links.links(server, "eth0")[0]
    assert (near["master"], near["mtu"]) == (links.bridge(network), 1442)
    assert (far["address"], far["mtu"]) == (MAC, 1442)


def test_plugging_again_changes_nothing_but_what_differs(place: Place, server: str) -> None:
    port, network = str(uuid.uuid4()), str(uuid.uuid4())
    plug(place, port, network, server)
    before = links.links(server, "eth0")[0]["ifindex"]
    ip(links.fabric(place), "link", "set", links.tap(port), "nomaster", "down")
    plug(place, port, network, server, mtu=1300)
    near, far = links.links(links.fabric(place), links.tap(port))[0], links.links(server, "eth0")[0]
    assert far["ifindex"] == before
    assert (near["master"], near["mtu"], far["mtu"]) == (links.bridge(network), 1300, 1300)


def test_a_port_that_leads_to_another_namespace_is_moved(place: Place, server: str) -> None:
    port, network, other = str(uuid.uuid4()), str(uuid.uuid4()), f"{place.tag}-other"
    plug(place, port, network, server)
    links.ensure_namespace(other)
    plug(place, port, network, other)
    assert links.links(other, "eth0")
    assert not links.links(server, "eth0")


def test_a_foreign_link_of_the_same_name_is_never_replaced(place: Place, server: str) -> None:
    ip(server, "link", "add", "eth0", "type", "bridge")
    with pytest.raises(links.LinkError, match="cannot be plugged"):
        plug(place, str(uuid.uuid4()), str(uuid.uuid4()), server)
    assert "bridge" in ip(server, "-d", "link", "show", "eth0")


def test_unplugging_twice_is_fine(place: Place, server: str) -> None:
    port = str(uuid.uuid4())
    plug(place, port, str(uuid.uuid4()), server)
    links.unplug(place, port)
    links.unplug(place, port)
    assert not links.links(server, "eth0")


def test_a_name_without_its_namespace_is_made_good(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "READY", 0.1)
    name = f"{place.tag}-torn"
    links.NAMESPACES.mkdir(exist_ok=True)
    (links.NAMESPACES / name).touch(0o444)
    assert not links.exists(name)
    links.ensure_namespace(name)
    assert links.exists(name)
    (links.NAMESPACES / f"{place.tag}-torn2").touch(0o444)
    links.delete_namespace(f"{place.tag}-torn2")
    assert links.namespaces(place) == [name]


def test_many_at_once_share_one_fabric(place: Place) -> None:
    network, start = str(uuid.uuid4()), threading.Barrier(20)

    def one(number: int) -> None:
        start.wait(10)
        namespace = f"{place.tag}-{number}"
        links.ensure_namespace(namespace)
        plug(place, str(uuid.uuid4()), network, namespace)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    ports = [link for link in links.links(links.fabric(place)) if link.get("master") == links.bridge(network)]
    assert len(ports) == 20


def test_sweep_leaves_nothing_also_of_processes_in_the_namespaces(place: Place, server: str) -> None:
    plug(place, str(uuid.uuid4()), str(uuid.uuid4()), server)
    path = f"--net={links.NAMESPACES / server}"
    program = [sys.executable, "-c", "print(1, flush=True); import time; time.sleep(60)"]
    sleeper = subprocess.Popen(["nsenter", path, *program], stdout=subprocess.PIPE)
    assert sleeper.stdout is not None
    sleeper.stdout.readline()
    subprocess.run(["ip", "link", "add", links.leg(place), "type", "bridge"], timeout=10, check=False)
    links.tool(place, "nft").run("add", "table", "inet", f"{place.tag}_machine")
    links.sweep(place)
    assert sleeper.wait(5) == -9
    assert links.namespaces(place) == []
    assert links.tables(place) == []
    assert not links.links(None, links.leg(place))
    assert not any(path.name.startswith(place.tag) for path in Path("/sys/class/net").iterdir())
    links.sweep(place)
