"""What a cluster is begun with that takes the place of a lost one: its keys, and what its etcd had.

It lies in a folder of this machine, among what belongs to the cluster, until the cluster stands. The embedded
installer looks for it before it begins the first of the control plane (`ansible/embedded/roles/restoration`).

keys/ca.crt, keys/etcd/ca.crt ...    as kubeadm has them under /etc/kubernetes/pki
etcd.db, etcdutl                     a snapshot, and the program that restores it
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from terp.kubernetes.keys import CERTIFICATES, PLACES
from terp.kubernetes.unfinished import folder_of

VARIABLE = "restoration"
"""By which the installer's playbooks are told of the folder."""
SNAPSHOT, PROGRAM = "etcd.db", "etcdutl"


def restoration(name: str) -> Path | None:
    """The folder of what the cluster of this name is to be begun with; None of most clusters."""
    folder = _folder(name)
    return folder if folder.exists() else None


def prepare(name: str, keys: Mapping[str, str], snapshot: Path, program: Path) -> None:
    """Let the cluster begin with keys, by their names in `PLACES`, and a snapshot: all of it or nothing."""
    folder = _folder(name)
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    for key, text in keys.items():
        file = new / "keys" / _place(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shutil.copyfile(snapshot, new / SNAPSHOT)
    shutil.copyfile(program, new / PROGRAM)
    forget_restoration(name)
    new.replace(folder)


def forget_restoration(name: str) -> None:
    """Remove the folder: the cluster stands, or begins with nothing."""
    if _folder(name).exists():
        shutil.rmtree(_folder(name))


def _folder(name: str) -> Path:
    return folder_of(name) / "restoration"


def _place(key: str) -> str:
    """Where kubeadm has a key in its folder."""
    own = (each for each in PLACES[key] if each.startswith(f"{CERTIFICATES[0]}/"))
    return next(own).removeprefix(f"{CERTIFICATES[0]}/")
