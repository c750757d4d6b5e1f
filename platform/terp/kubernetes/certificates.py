"""When the certificates of a cluster end, read from its hosts over SSH: one connection to each."""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import yaml
from cryptography import x509

from terp.kubernetes.keys import CERTIFICATES, ETCD
from terp.kubernetes.model import Node
from terp.kubernetes.shell import ask
from terp.model import Model

KUBELET = "/var/lib/kubelet/pki"
KUBELET_CLIENT = f"{KUBELET}/kubelet-client-current.pem"
KUBELET_SERVER = f"{KUBELET}/kubelet.crt"
"""What a kubelet shows to the API, and renews in time while that answers; what it has signed for itself, and
never renews."""
HERE = "this machine"
"""Host of the environment's own kubeconfig."""
LOOK = f"""
show() {{
  found=$(openssl x509 2>/dev/null | base64 -w0)
  [ -z "$found" ] || echo "$1 $found"
}}
for folder in {" ".join(CERTIFICATES)}; do
  [ -s $folder/ca.crt ] || continue
  for file in $folder/*.crt $folder/etcd/*.crt; do [ ! -s $file ] || show $file < $file; done
  break
done
for file in {ETCD}/*.pem {KUBELET_CLIENT} {KUBELET_SERVER} {KUBELET}/kubelet-server-current.pem; do
  [ ! -s $file ] || show $file < $file
done
for file in /etc/kubernetes/*.conf; do
  [ ! -s $file ] || sed -n 's/^ *client-certificate-data: *//p' $file | base64 -d | show $file
done
"""
"""Lines of a file and base64. Of each file openssl takes the first certificate: no key leaves its host."""


class Certificate(Model):
    """A certificate on a host, by the file that it is in; an authority is what others are signed by."""

    host: str
    file: str
    end: datetime
    authority: bool = False

    def ends_before(self, moment: datetime) -> bool:
        """Whether it is void by then."""
        return self.end <= moment

    @property
    def renewable(self) -> bool:
        """Whether `renew` makes it anew."""
        return self.by_kubeadm or self.file in (KUBELET_CLIENT, KUBELET_SERVER)

    @property
    def by_kubeadm(self) -> bool:
        """Whether kubeadm signs it on a control plane, as it does what is in the kubeconfig."""
        return not self.authority and not self.file.startswith((KUBELET, ETCD))

    @property
    def remedy(self) -> str:
        """What makes it anew."""
        if self.renewable:
            return "terp certs renew"
        if self.authority:
            return "a new cluster: everything is signed by it"
        return "the kubelet itself" if self.file.startswith(KUBELET) else "the installer"


class Certificates(Model):
    """All certificates of a cluster, the first to end first; `silent` are hosts that did not answer."""

    found: tuple[Certificate, ...]
    silent: tuple[str, ...] = ()

    def due(self, within: timedelta, now: datetime | None = None) -> tuple[Certificate, ...]:
        """Those that end soon, or have ended."""
        moment = (now or datetime.now(UTC)) + within
        return tuple(each for each in self.found if each.ends_before(moment))


def look_at_certificates(
    nodes: Sequence[Node], jump: Node | None, private_key: str, kubeconfig: str
) -> Certificates:
    """Look at every host that answers within a minute, and at the environment's own kubeconfig."""
    said = ask(nodes, jump, private_key, lambda _: LOOK)
    found = [each for host, answer in said.items() for each in certificates_of(host, answer or "")]
    found.append(_of_kubeconfig(kubeconfig))
    return Certificates(
        found=tuple(sorted(found, key=lambda each: (each.end, each.host, each.file))),
        silent=tuple(host for host, answer in said.items() if answer is None),
    )


def certificates_of(host: str, said: str) -> Iterator[Certificate]:
    """The certificates in what a host printed."""
    for line in said.splitlines():
        file, _, content = line.partition(" ")
        yield _read(host, file, base64.b64decode(content))


def _of_kubeconfig(kubeconfig: str) -> Certificate:
    user = yaml.safe_load(kubeconfig)["users"][0]["user"]
    return _read(HERE, "kubeconfig", base64.b64decode(user["client-certificate-data"]))


def _read(host: str, file: str, content: bytes) -> Certificate:
    read = x509.load_pem_x509_certificate(content)
    try:
        constraints = read.extensions.get_extension_for_class(x509.BasicConstraints)
        authority = constraints.value.ca
    except x509.ExtensionNotFound:
        authority = False
    return Certificate(host=host, file=file, end=read.not_valid_after_utc, authority=authority)
