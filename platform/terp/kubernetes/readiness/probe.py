"""Runs on a host as root, with Python 3.9 and nothing else: prints what the host is, as JSON.

`ASKED`, as JSON text, stands before it: `names` to resolve, `urls` to reach (with whether to verify the
certificate) through `proxy`, and `calls` on other hosts: {to, address, protocol, port}. It writes one
temporary file, without a name, to see how fast the disk is; nothing else.
"""

import concurrent.futures
import fcntl
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

NOTHING = '{"names": [], "urls": {}, "proxy": "", "calls": []}'
WRITES = 200
WRITE = b"\0" * 2048
SECONDS = 5
"""For one program, one URL, all writes."""
PATIENCE = 10
"""Seconds for everything that is asked side by side."""
CALL = 1.5
"""Seconds until a call is answered; TCP sends again after one."""
TRIES = 3
FULL = 1500
HEADERS = 28
"""Bytes of an IPv4 and an ICMP header."""
MTU_DISCOVER, PROBE = 10, 3
"""IP_MTU_DISCOVER and IP_PMTUDISC_PROBE: do not fragment, and believe no remembered path (ip(7))."""
MODULES = ("overlay", "br_netfilter", "nf_conntrack")
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
DATA = {"/var/lib/etcd": "etcd", "/var/lib/containerd": "images", "/var/lib/kubelet": "pods"}
INTERFACES = ("cni0", "flannel.1", "vxlan.calico", "cilium_host", "kube-ipvs0", "nodelocaldns")
TRACES = (
    "etc/kubernetes/*.conf",
    "etc/kubernetes/manifests/*",
    "etc/kubernetes/pki/*",
    "etc/kubernetes/ssl/*",
    "var/lib/etcd/member",
    "var/lib/kubelet/config.yaml",
)


def output(*command: str) -> str:
    """What a program prints; empty when it is not there, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def text(file: str) -> str:
    """A file's content; empty when it cannot be read."""
    try:
        return Path(file).read_text()
    except OSError:
        return ""


def cloud_init() -> str:
    """`done`, `running`, `not run`, `error …`, `absent`."""
    if not shutil.which("cloud-init"):
        return "absent"
    said = re.search(r"^status: (.*)$", output("cloud-init", "status"), re.MULTILINE)
    return said.group(1) if said else "unknown"


def server_name() -> str:
    """The server's name as the cloud gave it; empty when cloud-init does not say."""
    try:
        data = json.loads(text("/run/cloud-init/instance-data.json"))
    except ValueError:
        return ""
    meta = data.get("ds", {}).get("meta_data", {})
    return meta.get("name") or data.get("v1", {}).get("local_hostname") or ""


def mtus() -> dict[str, int]:
    """MTU of the interface of each address."""
    found = {}
    for link in json.loads(output("ip", "-json", "address") or "[]"):
        for address in link.get("addr_info", []):
            found[address["local"]] = link["mtu"]
    return found


def routes() -> list[str]:
    """Destinations of the main tables, without the default."""
    families = (output("ip", "-json", family, "route") for family in ("-4", "-6"))
    found = (route["dst"] for said in families for route in json.loads(said or "[]"))
    return [each for each in found if each != "default" and not each.startswith("fe80")]


def resolvers() -> list[str]:
    """Name servers behind systemd-resolved's stub, as the kubelet takes them, or those of resolv.conf."""
    own = re.findall(r"^nameserver\s+(\S+)", text("/etc/resolv.conf"), re.MULTILINE)
    if own == ["127.0.0.53"]:
        real = text("/run/systemd/resolve/resolv.conf")
        return re.findall(r"^nameserver\s+(\S+)", real, re.MULTILINE)
    return own


def resolve(name: str) -> str:
    """The problem with a name, or nothing."""
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        return str(error)
    return ""


def reach(url: str, verify: bool, proxy: str) -> str:
    """The problem with a URL, or nothing: any answer of HTTP is one, also 401 of a registry."""
    context = ssl.create_default_context() if verify else ssl._create_unverified_context()  # noqa: S323
    proxies = urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})
    opener = urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=context))
    try:
        opener.open(url, timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else str(error)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""


def call(contact: dict[str, Any]) -> str:
    """The problem with a contact, or nothing."""
    ways = {"tcp": tcp, "udp": udp, "mtu": ping}
    try:
        ways[contact["protocol"]](contact["address"], contact["port"])
    except ConnectionRefusedError:
        return ""  # by the host itself: the packet arrived
    except OSError as error:
        return os.strerror(error.errno) if error.errno else "no answer"
    return ""


def tcp(address: str, port: int) -> None:
    """Connect, or raise OSError."""
    socket.create_connection((address, port), timeout=TRIES * CALL).close()


def udp(address: str, port: int) -> None:
    """Send something until it is answered or refused, or raise OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(CALL)
        client.connect((address, port))
        for left in reversed(range(TRIES)):
            client.send(b"terp")
            try:
                client.recv(16)
            except socket.timeout:  # noqa: UP041 - the same from Python 3.10 on
                if not left:
                    raise
            else:
                return


def ping(address: str, _: int) -> None:
    """Have an echo request of the full size answered that may not be fragmented, or raise OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as client:
        client.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, PROBE)
        client.settimeout(CALL)
        client.connect((address, 0))
        size = mtus().get(client.getsockname()[0], FULL)
        mark = os.urandom(8)
        body = mark + bytes(size - HEADERS - len(mark))
        for number in range(TRIES):
            head = struct.pack("!BBHHH", 8, 0, 0, 0, number)
            client.send(struct.pack("!BBHHH", 8, 0, checksum(head + body), 0, number) + body)
            if echoed(client, mark):
                return
        raise OSError(0, f"no answer to {size} bytes")


def echoed(client: socket.socket, mark: bytes) -> bool:
    """Whether the answer with this mark comes in time; the socket also sees those to others."""
    end = time.monotonic() + CALL
    while time.monotonic() < end:
        try:
            answer = client.recv(65536)
        except socket.timeout:  # noqa: UP041
            return False
        if answer[20] == 0 and answer[HEADERS : HEADERS + len(mark)] == mark:
            return True
    return False


def checksum(data: bytes) -> int:
    """RFC 1071."""
    even = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def existing(path: str) -> str:
    """The folder, or the nearest above it that exists."""
    return next(str(each) for each in (Path(path), *Path(path).parents) if each.is_dir())


def fsync_p99() -> float:
    """Seconds within which 99 % of small writes reach the disk of etcd."""
    taken: list[float] = []
    end = time.monotonic() + SECONDS
    with tempfile.TemporaryFile(dir=existing("/var/lib/etcd")) as file:
        while len(taken) < WRITES and time.monotonic() < end:
            start = time.monotonic()
            os.write(file.fileno(), WRITE)
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - start)
    return sorted(taken)[int(len(taken) * 0.99) - 1]


def in_container() -> bool:
    """The kernel and its clock are another's."""
    return output("systemd-detect-virt", "--container") not in ("", "none")


def clock_kept() -> bool:
    """A service keeps the clock, or the kernel says that it is synchronised."""
    services = ("chrony", "chronyd", "systemd-timesyncd", "ntp", "ntpd", "ntpsec")
    kept = "active" in output("systemctl", "is-active", *services).split()
    return kept or output("timedatectl", "show", "-p", "NTPSynchronized", "--value") == "yes"


def missing_modules() -> list[str]:
    """Modules that are neither there nor could be loaded."""
    absent = [name for name in MODULES if not Path("/sys/module", name).is_dir()]
    return [name for name in absent if not (output("modprobe", "-n", "-v", name) or built_in(name))]


def built_in(module: str) -> bool:
    """Whether the kernel has it without loading anything."""
    return f"/{module}.ko" in text(f"/lib/modules/{os.uname().release}/modules.builtin")


def package_locks() -> dict[str, str]:
    """Locks of dpkg and apt that a process holds, and the process."""
    held = {}
    for file in (each for each in LOCKS if Path(each).exists()):
        with Path(file).open("r+") as opened:
            asked = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack("hhqqi", fcntl.fcntl(opened, fcntl.F_GETLK, asked))
        if kind != fcntl.F_UNLCK:
            held[file] = f"{text(f'/proc/{pid}/comm').strip()} (process {pid})"
    return held


def sshd() -> dict[str, str]:
    """Limits of the SSH server."""
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    wanted = ("maxsessions", "maxstartups")
    lines = (line.split(None, 1) for line in output(program, "-T").splitlines())
    return {line[0]: line[1] for line in lines if line[0] in wanted}


def firewall() -> str:
    """A host firewall that is active, or nothing."""
    if "Status: active" in output("ufw", "status"):
        return "ufw"
    return "firewalld" if output("systemctl", "is-active", "firewalld") == "active" else ""


def udp_ports() -> list[int]:
    """Ports with a listener, the kernel's own included."""
    lines = (text("/proc/net/udp") + text("/proc/net/udp6")).splitlines()
    local = (line.split()[1] for line in lines if ":" in line.split()[0])
    return sorted({int(address.rpartition(":")[2], 16) for address in local})


def leftovers() -> list[str]:
    """Files and interfaces of a cluster."""
    found = [str(file) for pattern in TRACES for file in sorted(Path("/").glob(pattern))[:1]]
    return found + [name for name in INTERFACES if Path("/sys/class/net", name).exists()]


def memory() -> int:
    """MiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def facts(asked: dict[str, Any]) -> dict[str, object]:
    """Everything; what needs others is asked side by side, and the disk meanwhile."""
    began = time.time()
    pool = concurrent.futures.ThreadPoolExecutor(128)
    names = {name: pool.submit(resolve, name) for name in asked["names"]}
    urls = {url: pool.submit(reach, url, verify, asked["proxy"]) for url, verify in asked["urls"].items()}
    calls = [(contact, pool.submit(call, contact)) for contact in asked["calls"]]
    container = in_container()
    found = {
        "cloud_init": cloud_init(),
        "hostname": socket.gethostname(),
        "server_name": server_name(),
        "mtus": mtus(),
        "routes": routes(),
        "clock_kept": None if container else clock_kept(),
        "resolvers": resolvers(),
        "free": {path: shutil.disk_usage(existing(path)).free / 2**30 for path in DATA},
        "fsync_p99": fsync_p99(),
        "kernel": os.uname().release,
        "cgroup": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "missing_modules": [] if container else missing_modules(),
        "swap": [] if container else [line.split()[0] for line in text("/proc/swaps").splitlines()[1:]],
        "package_locks": package_locks(),
        "sshd": sshd(),
        "firewall": firewall(),
        "leftovers": leftovers(),
        "memory": memory(),
        "udp_ports": udp_ports(),
    }
    asking = [*names.values(), *urls.values(), *(future for _, future in calls)]
    concurrent.futures.wait(asking, PATIENCE)
    unresolved = {name: said(future) for name, future in names.items()}
    unreached = {url: said(future) for url, future in urls.items()}
    silences = [{"contact": contact, "problem": said(future)} for contact, future in calls]
    return {
        **found,
        "unresolved": {name: problem for name, problem in unresolved.items() if problem},
        "unreached": {url: problem for url, problem in unreached.items() if problem},
        "silences": [silence for silence in silences if silence["problem"]],
        "began": began,
        "ended": time.time(),
    }


def said(asked: "concurrent.futures.Future[str]") -> str:
    """The problem; what has begun and not ended is one, and of what has not begun nothing is known."""
    if asked.done():
        return asked.result()
    return "" if asked.cancel() else f"no answer within {PATIENCE} s"


if __name__ == "__main__":
    print(json.dumps(facts(json.loads(globals().get("ASKED", NOTHING)))), flush=True)  # noqa: T201
    os._exit(0)  # not waiting for threads that ask a name server which never answers
