"""Measures `terp up` with Kubespray against plain `ansible-playbook` with the same release on the same hosts.

    sudo scripts/python development benchmarks/kubespray.py FILE [--tools terp plain]

FILE is an environment on the embedded cloud with one worker, whose `kubernetes.kubespray.source` and
`kubernetes.mirror` are there (docs/mirror.md). Each tool gets hosts of its own: cluster.yml, then a worker
comes (facts.yml and scale.yml) and goes (remove-node.yml). `plain` has our inventory and variables, and
Kubespray's own ansible.cfg; `terp` is the time of the playbooks in `terp up`. The files that both leave on
the hosts are compared.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "platform")]

from terp.environment import read
from terp.environment.kubernetes import kubernetes_version
from terp.environment.stack_file import stack_name
from terp.kubernetes.kubespray import installation
from terp.kubernetes.kubespray.downloads import downloads
from terp.kubernetes.mirror.checksums import own_checksums
from terp.kubernetes.model import Node, Run
from terp.kubernetes.nodes import jump_of, nodes_of
from terp.kubernetes.runner import Access, Installation, inventory
from terp.kubernetes.runner.access import known_hosts, ssh_config
from terp.kubernetes.variables import group_variables, run_variables, secret_names
from terp.openstack.hosts import Host
from terp.paths import state_dir

LIMIT = 5400.0
"""Seconds for one program."""
DOWNLOADS = "roles/kubespray_defaults/defaults/main/download.yml"
VARIABLE = re.compile(r"^\{\{ (\w+)")
"""The one that a checksum is, or begins with where it depends on how a thing is deployed."""
LEFT = ("/etc/kubernetes", "/etc/containerd", "/etc/cni", "/opt/cni/bin", "/usr/local/bin", "/etc/etcd.env")
"""What Kubespray leaves on hosts."""
OF_THE_CLUSTER = re.compile(r"/(ssl|pki)/|\.conf$|secrets_encryption|kubeadm-config|\.old$|~$|/tokens/")
"""Keys, tokens, and backups with a time in their name: they differ each time."""
out = Console(highlight=False)


class Site:
    """The environment's hosts, raised without a cluster and with one."""

    def __init__(self, file: Path, directory: Path) -> None:
        self.file = directory / file.name
        self.name = stack_name(file)
        self.root = state_dir() / "stacks" / self.name
        self.hosts: list[Host] = []
        self._document = yaml.safe_load(file.read_text())
        self._installer = self._environment["kubernetes"].get("installer", "kubespray")

    @property
    def _environment(self) -> dict[str, Any]:
        document: dict[str, Any] = self._document["config"]["terp:environment"]
        return document

    def up(self, workers: int, *, cluster: bool) -> list[dict[str, Any]]:
        """Raise it; the runs that this took, as they are recorded."""
        (pool,) = self._environment["nodes"]["pools"].values()
        pool["count"] = workers
        self._environment["kubernetes"]["installer"] = self._installer if cluster else "none"
        self.file.write_text(yaml.safe_dump(self._document))
        before = len(self._runs())
        said = self._terp("up", str(self.file), "--json").splitlines()[-1]
        self.hosts = [Host.model_validate(each) for each in json.loads(said)["hosts"]]
        return self._runs()[before:]

    def destroy(self) -> None:
        self._terp("destroy", str(self.file), "--yes")

    def files(self) -> dict[str, str]:
        """SHA-256 of each file that a cluster left, by host and path, with names for hosts' addresses."""
        names = "; ".join(f"s/{re.escape(str(each.address))}\\b/{each.name}/g" for each in self.hosts)
        sums = f"for file; do echo $(LC_ALL=C sed '{names}' $file | sha256sum | cut -c1-64) $file; done"
        command = f"sudo find {' '.join(LEFT)} -type f -exec sh -c {shlex.quote(sums)} sh {{}} +"
        found: dict[str, str] = {}
        for host in self.hosts:
            if host.role == "bastion":
                continue
            argv = ["ssh", "-F", str(self.root / "ssh_config"), host.name, command]
            listed = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False).stdout
            for line in listed.splitlines():
                digest, path = line.split(maxsplit=1)
                if not OF_THE_CLUSTER.search(path):
                    found[f"{host.name}:{path}"] = digest
        return found

    def _runs(self) -> list[dict[str, Any]]:
        file = state_dir() / "clusters" / self.name / "runs.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def _terp(self, *args: str) -> str:
        argv = [sys.executable, "-m", "terp", *args]
        env = {**os.environ, "PYTHONPATH": str(PROJECT / "platform")}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
        if done.returncode:
            raise SystemExit(f"terp {args[0]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


class Plain:
    """ansible-playbook as Kubespray's own documentation calls it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        self._folder = folder
        environment = read(site.file)
        settings = environment.kubernetes.kubespray
        self._environment = environment
        self._tree: Installation = installation(settings.version, settings.source, settings.commit, out.print)
        self._skipped = settings.skip_tags

    def play(self, playbook: str, *options: str) -> float:
        """Seconds of one playbook on all hosts that there are."""
        self._write(nodes_of(self._site.hosts, self._environment))
        argv = [str(self._tree.bin / "ansible-playbook"), "-i", str(self._folder / "inventory")]
        for file in ("run.json", "secrets.yaml"):
            argv += ["-e", f"@{self._folder / file}"]
        argv += ["--skip-tags", ",".join(self._skipped)] if self._skipped else []
        env = {
            **os.environ,
            "PATH": f"{self._tree.bin}:{os.environ['PATH']}",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self._folder / "facts"),
            "LC_ALL": "C.UTF-8",
        }
        log = self._folder / f"{Path(playbook).stem}.log"
        began = time.monotonic()
        with log.open("w") as said:
            done = subprocess.run(
                [*argv, "--become", *options, playbook],
                cwd=self._tree.playbooks,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=LIMIT,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"{playbook}: exit code {done.returncode}\n{log.read_text()[-4000:]}")
        return time.monotonic() - began

    def _write(self, nodes: tuple[Node, ...]) -> None:
        access = Access((self._site.root / "private_key").read_text(), jump_of(self._site.hosts))
        run = Run(
            kind="playbook",
            nodes=nodes,
            variables=run_variables(self._environment),
            installer_version=self._tree.version,
            kubernetes_version=kubernetes_version(self._environment.kubernetes),
            reason="benchmark",
        )
        variables = group_variables(self._environment, self._site.name)
        variables |= self._checksums(run, variables)
        everyone = (*nodes, *([access.jump] if access.jump else []))
        secrets = dict.fromkeys(secret_names(self._environment), "0123456789abcdef0123456789abcdef")
        texts = {
            "private_key": access.private_key,
            "known_hosts": known_hosts(everyone),
            "ssh_config": ssh_config(nodes, access, self._folder),
            "inventory/hosts.yaml": inventory.inventory(run, f"-F {self._folder / 'ssh_config'}"),
            "inventory/group_vars/all.json": inventory.group_variables(run, variables),
            "secrets.yaml": inventory.secret_variables(secrets),
            "run.json": inventory.run_variables(run),
        }
        for name, text in texts.items():
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_text(text)
            (self._folder / name).chmod(0o600)

    def _checksums(self, run: Run, variables: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Kubespray's variables with the checksums of the mirror's own files."""
        own = own_checksums(str(self._environment.kubernetes.mirror))
        found = downloads(self._tree, run.kubernetes_version, variables).entries["x86_64"]
        raw = yaml.safe_load((self._tree.playbooks / DOWNLOADS).read_text())["downloads"]
        sums: dict[str, JsonValue] = {}
        for name, entry in found.items():
            named = VARIABLE.match(str(raw[name].get("checksum", "")))
            if named and isinstance(entry, dict) and entry.get("url") in own:
                sums[named[1]] = f"sha256:{own[str(entry['url'])]}"
        return sums


def by_terp(site: Site, _: Path) -> tuple[dict[str, float], dict[str, str]]:
    """Seconds of the playbooks that `terp up` ran, and the files on the hosts."""
    site.up(1, cluster=False)
    created = site.up(1, cluster=True)
    files = site.files()
    came = site.up(2, cluster=True)
    went = site.up(1, cluster=True)
    steps = {"cluster.yml": created, "scale.yml": came, "remove-node.yml": went}
    return {step: sum(run["seconds"] for run in runs) for step, runs in steps.items()}, files


def by_itself(site: Site, folder: Path) -> tuple[dict[str, float], dict[str, str]]:
    """The same by plain ansible-playbook."""
    site.up(1, cluster=False)
    plain = Plain(site, folder)
    seconds = {"cluster.yml": plain.play("cluster.yml")}
    files = site.files()
    before = {host.name for host in site.hosts}
    site.up(2, cluster=False)
    (new,) = {host.name for host in site.hosts} - before
    seconds["scale.yml"] = plain.play("playbooks/facts.yml") + plain.play("scale.yml", "--limit", new)
    leaves = ("-e", f"node={new}", "-e", "skip_confirmation=true")
    seconds["remove-node.yml"] = plain.play("remove-node.yml", *leaves)
    return seconds, files


TOOLS = {"terp": by_terp, "plain": by_itself}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    options = parser.parse_args()
    results = {}
    for tool in options.tools:
        with tempfile.TemporaryDirectory(prefix="terp-benchmark-") as name:
            site = Site(options.file, Path(name))
            (Path(name) / "plain").mkdir()
            results[tool] = TOOLS[tool](site, Path(name) / "plain")
            out.print(tool, results[tool][0])
            site.destroy()
    show(results)


def show(results: dict[str, tuple[dict[str, float], dict[str, str]]]) -> None:
    """Seconds of each playbook, and the files that differ."""
    title = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    table = Table("playbook", *results, "ratio", title=title)
    for step in next(iter(results.values()))[0]:
        seconds = [figures[step] for figures, _ in results.values()]
        table.add_row(step, *(f"{each:.0f} s" for each in seconds), f"{seconds[0] / seconds[-1]:.2f}")
    out.print(table)
    one, *others = (files for _, files in results.values())
    for other in others:
        differ = sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
        out.print(f"{len(one)} files, {len(differ)} of them differ", *differ, sep="\n  ")


if __name__ == "__main__":
    main()
