"""Network namespaces, bridges and the veths that plug a port into its network.

Every function can be called again at any time, by several processes at once, and completes what a killed one
left half made. All objects carry the cloud's tag in their name, so `sweep` finds them without a record.
"""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from terp.cloud.place import Place
from terp.command import Command, CommandError
from terp.errors import TerpError

NAMESPACES = Path("/run/netns")
"""Where iproute2 keeps named namespaces."""
PREFIX = 11
"""Characters of a UUID in a link's name, as Neutron's own agents use them (names have 15 at most)."""
READY = 5.0
"""Seconds that another process may take between naming a namespace and making it."""

BRIDGE_FILTER = Path("/proc/sys/net/bridge")
"""Parameters of br_netfilter, when the kernel has it."""
CLOSED = """
table bridge terp {
    chain closed {
        type filter hook prerouting priority -200; policy drop;
    }
}
"""
"""Rules of a new fabric."""

_IP = Command(("ip",), timeout=20)
_NSENTER = Command(("nsenter",), timeout=20)


class LinkError(TerpError):
    """The kernel refused a namespace, link or address."""


def fabric(place: Place) -> str:
    """Name of the namespace that holds all bridges."""
    return f"{place.tag}-fabric"


def leg(place: Place) -> str:
    """Name of the machine's own link in the external network."""
    return f"{place.tag}ext"


def bridge(network: str) -> str:
    """Name of a network's bridge."""
    return f"br-{network[:PREFIX]}"


def tap(port: str) -> str:
    """Name of the end of a port's veth in the fabric."""
    return f"tap{port[:PREFIX]}"


def tool(place: Place, name: str, *, timeout: float = 20) -> Command:
    """A program of the cloud's packages, which bring their own libraries.

    Raises:
        TerpError: the packages do not have it.
    """
    for folder in ("usr/sbin", "usr/bin"):
        program = place.packages / folder / name
        if program.exists():
            libraries = ":".join(map(str, sorted(place.packages.glob("usr/lib/*-linux-gnu"))))
            return Command((str(program),), timeout=timeout, env={"LD_LIBRARY_PATH": libraries})
    raise TerpError(f"{name} is not in {place.packages}", hint="`terp cloud up` unpacks the packages again")


def inside(namespace: str, command: Command) -> Command:
    """The same program in a network namespace."""
    return Command(
        ("nsenter", f"--net={NAMESPACES / namespace}", "--", *command.argv),
        timeout=command.timeout,
        env=command.env,
        only=command.only,
    )


def exists(namespace: str) -> bool:
    """The namespace has been made, not only named."""
    try:
        return (NAMESPACES / namespace).stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False


def namespaces(place: Place) -> list[str]:
    """Names of the cloud's namespaces, in order."""
    try:
        return sorted(path.name for path in NAMESPACES.iterdir() if path.name.startswith(f"{place.tag}-"))
    except FileNotFoundError:
        return []


def ensure_namespace(name: str) -> None:
    """Make a network namespace with its loopback up.

    Raises:
        CommandError: the kernel refuses it (not root, limit of the machine reached).
    """
    if not exists(name):
        _make_namespace(name)
    _IP.run("-n", name, "link", "set", "lo", "up")


def _make_namespace(name: str) -> None:
    made = _IP.run("netns", "add", name, check=False)
    if made.returncode == 0:
        return
    end = time.monotonic() + READY
    while not exists(name):
        if time.monotonic() > end:  # named by a process that was killed before it was made
            (NAMESPACES / name).unlink(missing_ok=True)
            _IP.run("netns", "add", name)
            return
        if not (NAMESPACES / name).exists():
            raise CommandError([*_IP.argv, "netns", "add", name], made.returncode, made.stderr)
        time.sleep(0.02)


def delete_namespace(name: str) -> None:
    """Delete a namespace and the veths in it; the kernel frees it when its last process has ended."""
    done = _IP.run("netns", "delete", name, check=False)
    if done.returncode and (NAMESPACES / name).exists():
        (NAMESPACES / name).unlink(missing_ok=True)  # named but never made: nothing is mounted there


def processes(names: list[str]) -> list[int]:
    """Processes that run in these namespaces."""
    nodes = set()
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            found = (NAMESPACES / name).stat()
            nodes.add((found.st_dev, found.st_ino))
    pids = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # ended meanwhile
                found = (process / "ns/net").stat()
                if (found.st_dev, found.st_ino) in nodes:
                    pids.append(int(process.name))
    return pids


def lives_in(pid: int, namespace: str) -> bool:
    """The process is alive, in the namespace of this name."""
    try:
        return Path(f"/proc/{pid}/ns/net").samefile(NAMESPACES / namespace)
    except OSError:
        return False


def ensure_fabric(place: Place) -> str:
    """Make the namespace of the bridges; returns its name.

    Bridged packets pass the firewall of this namespace; it has no addresses and forwards nothing itself.
    Nothing passes until the reconciler has loaded its rules.
    """
    name = fabric(place)
    if exists(name):
        return name
    ensure_namespace(name)
    prepare_fabric(place)
    inside(name, tool(place, "nft")).run("-f", "-", stdin=CLOSED)
    return name


def open_fabric(place: Place) -> None:
    """Let everything pass, for hosts on networks that no Neutron knows."""
    nft = inside(ensure_fabric(place), tool(place, "nft"))
    nft.run("-f", "-", stdin="table bridge terp\ndelete table bridge terp\n")


def prepare_fabric(place: Place) -> None:
    """Set the fabric's kernel parameters.

    Raises:
        LinkError: the kernel has no br_netfilter.
    """
    _load_bridge_filter(place)
    settings = {
        "net/bridge/bridge-nf-call-iptables": 1,
        "net/bridge/bridge-nf-call-ip6tables": 1,
        "net/bridge/bridge-nf-call-arptables": 0,
        "net/ipv4/ip_forward": 0,
        "net/ipv6/conf/all/disable_ipv6": 1,
        "net/ipv6/conf/default/disable_ipv6": 1,
    }
    write_parameters(fabric(place), settings)


def _load_bridge_filter(place: Place) -> None:
    """Load br_netfilter where it is a module, without a change for the machine's own bridges."""
    if BRIDGE_FILTER.exists():
        return
    tried = tool(place, "modprobe").run("br_netfilter", check=False)
    if not BRIDGE_FILTER.exists():
        raise LinkError(
            f"this kernel cannot filter bridged packets: {tried.stderr.strip() or 'br_netfilter is missing'}",
            hint="load the module br_netfilter on the machine (in a container: on its host)",
        )
    for each in BRIDGE_FILTER.glob("bridge-nf-call-*"):
        each.write_text("0\n")  # the module's default is to filter the bridges of everybody


def write_parameters(namespace: str, settings: dict[str, int]) -> None:
    """Set kernel parameters (paths below /proc/sys) of a network namespace."""
    script = "".join(f"echo {value} > /proc/sys/{name}\n" for name, value in settings.items())
    inside(namespace, Command(("sh", "-e"), timeout=10)).run(stdin=script)


def ensure_bridge(place: Place, network: str, mtu: int) -> str:
    """Make the bridge of a network in the fabric; returns its name."""
    namespace, name = ensure_fabric(place), bridge(network)
    made = _batch(
        namespace,
        f"link add {name} mtu {mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        f"link set {name} up",
    )
    if made:
        _batch(namespace, f"link set {name} mtu {mtu} up", needed=True)
    return name


def plug(place: Place, *, port: str, mac: str, network: str, mtu: int, namespace: str, ifname: str) -> None:
    """Connect a namespace to a network: one veth, `tap(port)` on the bridge and `ifname` in the namespace.

    The link in the namespace is left down, for its owner to configure. A veth that leads elsewhere is moved.

    Raises:
        LinkError: the namespace has another link of that name.
    """
    there, here = ensure_fabric(place), tap(port)
    ensure_bridge(place, network, mtu)
    add = f"link add {here} mtu {mtu} type veth peer name {ifname} address {mac} mtu {mtu} netns {namespace}"
    attach = f"link set {here} master {bridge(network)} mtu {mtu} up"
    refused = _batch(there, add, attach)
    if not refused:
        return
    if not _leads_to(there, here, namespace, ifname):
        unplug(place, port)
        if refused := _batch(there, add, attach):
            raise LinkError(f"port {port} cannot be plugged into {namespace} as {ifname}: {refused}")
    _batch(there, attach, needed=True)
    _IP.run("-n", namespace, "link", "set", ifname, "address", mac, "mtu", str(mtu))


def unplug(place: Place, port: str) -> None:
    """Remove a port's veth, both ends."""
    done = _IP.run("-n", fabric(place), "link", "delete", tap(port), check=False)
    if done.returncode and links(fabric(place), tap(port)):
        raise LinkError(f"port {port} cannot be unplugged: {done.stderr.strip()}")


def links(namespace: str | None, name: str | None = None) -> list[dict[str, object]]:
    """Links of a namespace (the machine's own when None) as iproute2 reports them."""
    where = ("-n", namespace) if namespace else ()
    which = ("dev", name) if name else ()
    done = _IP.run(*where, "-N", "-j", "-d", "link", "show", *which, check=False)
    if done.returncode or not done.stdout.strip():
        return []
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def sweep(place: Place) -> None:
    """Remove every network object of the cloud, and end the processes in its namespaces.

    Raises:
        LinkError: something is still there.
    """
    every = namespaces(place)
    for pid in processes(every):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for link in links(None):
        if str(link["ifname"]).startswith(place.tag):
            _IP.run("link", "delete", str(link["ifname"]), check=False)
    for name in every:
        delete_namespace(name)
    for table in tables(place):
        tool(place, "nft").run("delete", "table", *table)
    left = namespaces(place) + [str(each["ifname"]) for each in links(None)]
    left = [name for name in left if name.startswith(place.tag)]
    if left:
        raise LinkError(f"could not be removed: {', '.join(left)}")


def tables(place: Place) -> list[tuple[str, str]]:
    """The cloud's nftables tables on the machine itself: family and name."""
    listed = tool(place, "nft").output("list", "tables")
    found = [line.split()[1:] for line in listed.splitlines()]
    return [(family, name) for family, name in found if name.startswith(f"{place.tag}_")]


def _leads_to(there: str, here: str, namespace: str, ifname: str) -> bool:
    near, far = links(there, here), links(namespace, ifname)
    return bool(near and far and near[0].get("link_index") == far[0]["ifindex"])


def _batch(namespace: str, *lines: str, needed: bool = False) -> str:
    """Run `ip` commands in one process up to the first that fails; returns its message, empty if none did."""
    done = _IP.run("-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n", check=False)
    if done.returncode and needed:
        raise LinkError(f"ip: {'; '.join(lines)}: {done.stderr.strip()}")
    return done.stderr.strip() if done.returncode else ""
