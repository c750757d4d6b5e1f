"""Which certificates a host has, as the script that runs there prints them, and which are due."""

import base64
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.recovery.samples import NOW, authority

from terp.kubernetes.certificates import HERE, LOOK, Certificate, Certificates, certificates_of
from terp.kubernetes.renewal import ADMIT, KEY, RENEW, SIGN_ANEW, WAIT


class Host:
    """A folder that stands for a host's root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, file: str, text: str) -> None:
        place = self.root / file.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def printed(self) -> str:
        script = LOOK
        for folder in ("/etc/", "/var/lib/"):
            script = script.replace(folder, f"{self.root}{folder}")
        return subprocess.run(
            ["sh", "-s"], input=script, text=True, capture_output=True, check=True, timeout=30
        ).stdout

    def ends(self) -> dict[str, datetime]:
        found = certificates_of("cp-0", self.printed())
        return {each.file.removeprefix(str(self.root)): each.end for each in found}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def end(days: int) -> datetime:
    return NOW + timedelta(days=days)


def kubeconfig(certificate: str) -> str:
    data = base64.b64encode(certificate.encode()).decode()
    return f"users:\n- name: admin\n  user:\n    client-certificate-data: {data}\n    client-key-data: eA==\n"


def test_all_places_are_read_and_no_key_is_printed(host: Host):
    kept = {days: authority(end(days)) for days in range(1, 7)}
    host.write("/etc/kubernetes/pki/ca.crt", kept[1]["crt"])
    host.write("/etc/kubernetes/pki/ca.key", kept[1]["key"])
    host.write("/etc/kubernetes/pki/etcd/server.crt", kept[2]["crt"])
    host.write("/etc/kubernetes/admin.conf", kubeconfig(kept[3]["crt"]))
    host.write("/etc/ssl/etcd/ssl/member.pem", kept[4]["crt"])
    host.write("/etc/ssl/etcd/ssl/member-key.pem", kept[4]["key"])
    host.write("/var/lib/kubelet/pki/kubelet-client-current.pem", kept[5]["crt"] + kept[5]["key"])
    assert host.ends() == {
        "/etc/kubernetes/pki/ca.crt": end(1),
        "/etc/kubernetes/pki/etcd/server.crt": end(2),
        "/etc/kubernetes/admin.conf": end(3),
        "/etc/ssl/etcd/ssl/member.pem": end(4),
        "/var/lib/kubelet/pki/kubelet-client-current.pem": end(5),
    }
    printed = base64.b64decode("".join(line.split()[1] for line in host.printed().splitlines()))
    assert b"PRIVATE" not in printed


def test_of_two_names_of_one_folder_the_first_counts(host: Host):
    """Kubespray links kubeadm's folder to its own."""
    host.write("/etc/kubernetes/ssl/ca.crt", authority(end(1))["crt"])
    (host.root / "etc/kubernetes/pki").symlink_to("ssl")
    assert list(host.ends()) == ["/etc/kubernetes/pki/ca.crt"]


def test_a_host_without_a_cluster_and_a_kubeconfig_without_data_have_none(host: Host):
    assert host.ends() == {}
    host.write("/etc/kubernetes/kubelet.conf", "users:\n- user:\n    client-certificate: /var/lib/x.pem\n")
    assert host.ends() == {}


def certificate(file: str, days: int, *, host: str = "cp-0", authority: bool = False) -> Certificate:
    return Certificate(host=host, file=file, end=end(days), authority=authority)


def test_those_are_due_that_have_ended_or_end_within():
    ended, soon, later = (certificate(name, days) for name, days in (("a", -1), ("b", 30), ("c", 31)))
    found = Certificates(found=(ended, soon, later))
    assert found.due(timedelta(days=30), NOW) == (ended, soon)
    assert found.due(timedelta(0), NOW) == (ended,)


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("/etc/kubernetes/pki/apiserver.crt", "terp certs renew"),
        ("/etc/kubernetes/scheduler.conf", "terp certs renew"),
        ("/var/lib/kubelet/pki/kubelet.crt", "terp certs renew"),
        ("/var/lib/kubelet/pki/kubelet-client-current.pem", "terp certs renew"),
        ("/var/lib/kubelet/pki/kubelet-server-current.pem", "the kubelet itself"),
        ("/etc/ssl/etcd/ssl/member-cp-0.pem", "the installer"),
    ],
)
def test_each_says_what_makes_it_anew(file: str, remedy: str):
    assert certificate(file, 1).remedy == remedy
    assert certificate("kubeconfig", 1, host=HERE).renewable
    assert not certificate("/etc/kubernetes/pki/ca.crt", 1, authority=True).renewable


@pytest.mark.parametrize(
    "script",
    [
        LOOK,
        RENEW + WAIT.format(address="10.0.0.1"),
        KEY.format(name="cp-0"),
        ADMIT.format(pair="eA=="),
        SIGN_ANEW,
    ],
)
def test_scripts_are_scripts(script: str):
    done = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
