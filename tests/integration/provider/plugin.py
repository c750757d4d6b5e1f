"""A provider whose runs are small shell scripts on the hosts; planner, life, protocol and SSH are real.

The scripts leave what is looked for afterwards: kubeconfig, keys, and a `kubectl` that lists the nodes.

`python -m tests.integration.provider.plugin <address of the engine>`
"""

import json
import sys
import threading
import time
from collections.abc import Sequence

from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from terp.command import CommandError
from terp.kubernetes.keys import ENCRYPTION
from terp.kubernetes.life import Ended, Life, Wanted
from terp.kubernetes.model import Node, Run
from terp.kubernetes.readiness import Report
from terp.kubernetes.resource import CLUSTER, ClusterResource
from terp.kubernetes.shell import Shell, shell
from terp.provider.process import serve
from terp.provider.resource import Sayings
from terp.provider.servicer import Servicer
from terp.provider.version import VERSION

STEP = """
set -eu
test ! -e /etc/broken || { echo "no space left, token $1 $(cat /etc/broken)" >&2; exit 1; }
"""
INSTALL = """
set -eu
mkdir -p /etc/kubernetes/pki
cd /etc/kubernetes
if [ ! -s admin.conf ]; then
  for name in ca.crt ca.key sa.key sa.pub; do echo "canary-$name-$(hostname)" > pki/$name; done
  cat > admin.conf <<END
apiVersion: v1
kind: Config
clusters:
- {name: here, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Y2VydGlmaWNhdGU=}}
users: [{name: admin, user: {client-key-data: canary-client-key}}]
END
fi
cat > /usr/local/bin/kubectl <<'END'
#!/bin/sh
case "$*" in *"get nodes"*) cat /etc/kubernetes/nodes.json;; *) exit 1;; esac
END
chmod +x /usr/local/bin/kubectl
"""


def _as_in_the_api(name: str) -> dict[str, object]:
    status = {"nodeInfo": {"kubeletVersion": "v1.36.3"}, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": name, "labels": {}}, "spec": {}, "status": status}


class Scripts:
    """Runs scripts on hosts over SSH, one after the other."""

    def estimate(self, run: Run, wanted: Wanted) -> str:
        return "about 4 s"

    def execute(self, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> Ended:
        began = time.monotonic()
        with shell(run.nodes, wanted.jump, wanted.private_key) as on:
            failure = self._execute(on, run, wanted, say, stop)
        record = {
            "playbook": run.playbook,
            "reason": run.reason,
            "seconds": round(time.monotonic() - began, 1),
            "result": "failed" if failure else "ok",
        }
        return Ended(record, failure, "look at /etc/broken" if failure else "")

    def _execute(self, on: Shell, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> str:
        by_name = {node.name: node for node in run.nodes}
        secret = wanted.secrets.get(ENCRYPTION, "")
        say.say(f"begins with {secret}")
        for name in run.hosts:
            try:
                on.run(by_name[name], f"set -- '{secret}'\n{STEP}\necho {run.playbook} >> /var/log/runs\n")
            except CommandError as error:
                return f"{name}: {error.output.strip()}"
        for step in range(10 * int(str(wanted.variables.get("seconds", 0)))):
            say.progress(f"task {step}")
            if stop.wait(0.1):
                return f"stopped at task {step}"
        gone = str(run.variables.get("node", "")).split(",")
        nodes = json.dumps({"items": [_as_in_the_api(name) for name in by_name if name not in gone]})
        on.run(run.nodes[0], f"{INSTALL}\ncat > nodes.json <<'END'\n{nodes}\nEND\n")
        for name in run.hosts:
            on.run(by_name[name], f"echo {run.playbook} ended >> /var/log/runs\n")
        return ""


def no_check(nodes: Sequence[Node], *_: object) -> Report:
    """These hosts are a tree with sshd: they have nothing that a check could find."""
    return Report(findings=(), hosts=len(nodes), seconds=0)


clusters = ClusterResource(lambda: Life(Scripts(), no_check))
serve(Servicer(sys.argv[-1], VERSION, {CLUSTER: clusters}), add_ResourceProviderServicer_to_server)
