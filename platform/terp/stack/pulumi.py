"""The `pulumi` command line on one stack: up, preview, destroy, state; nothing else."""

import copy
import json
import os
import re
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from terp.command import CommandError
from terp.errors import TerpError
from terp.gitops.resource import PLATFORM
from terp.kubernetes.resource import CLUSTER
from terp.openstack.types import CLOUD, VOLUME
from terp.progress import Progress
from terp.provider.values import SECRET, SIGNATURE
from terp.stack.events import Changes, EventLog
from terp.stack.workspace import Workspace
from terp.tools import Toolchain

SHORT = 120.0
"""Seconds for what only reads or writes the state."""
LONG = 8 * 3600.0
"""Seconds for a run that changes cloud and cluster: Kubespray alone may take hours."""
PARALLEL = "32"
"""Resource operations at once; they wait for the cloud most of the time."""
UP_ALONE = ("--continue-on-error", "--skip-preview", "--strict", "--yes")
"""Options of `up` that a preview does not have."""
UNPROTECTED = "--ignore-protect"
"""Lets an `up` delete and replace what is protected: the gate has judged it, thing by thing."""

PASSING = re.compile(
    r"OpenStack connection error"  # gophercloud/utils: client.go
    r"|but got (429|500|502|503|504) instead"  # gophercloud: ErrUnexpectedResponseCode
)
"""What the provider says when a service did not answer, was overloaded, or stumbled."""

PROJECT = "terp"
"""Name of the project in Pulumi.yaml."""
OUTPUTS = {
    CLOUD: ("hosts", "private_key"),
    CLUSTER: ("kubeconfig",),
    PLATFORM: ("applications",),
}
"""By the resource of each layer what it puts out."""
State = Mapping[str, Any]
"""A deployment as `pulumi stack export` gives it (apitype.DeploymentV3)."""


class EngineError(TerpError):
    """A run failed; `passing` if for a reason that may be gone at the next, `changes` is what it had done."""

    def __init__(self, message: str, hint: str, changes: Changes) -> None:
        super().__init__(message, hint=hint)
        self.passing = PASSING.search(message) is not None
        self.changes = changes


def in_clear(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A value of a state that was exported with its secrets, without their marks (apitype.SecretV1)."""
    if isinstance(value, list):
        return [in_clear(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        return in_clear(json.loads(value["plaintext"]))
    return {name: in_clear(each) for name, each in value.items()}


def ids_of(state: State, kind: str | None = None) -> frozenset[str]:
    """The ids of what a state has, all or of one type."""
    resources = state.get("resources") or ()
    return frozenset(str(each["id"]) for each in resources if each.get("id") and kind in (None, each["type"]))


class Pulumi:
    """Pulumi on the stack of a workspace."""

    def __init__(self, workspace: Workspace, toolchain: Toolchain, *, state_only: bool = False) -> None:
        self._workspace = workspace
        self._run = workspace.command(toolchain, SHORT, state_only=state_only)
        self._url = self._run.env.get("PULUMI_BACKEND_URL") or os.environ["PULUMI_BACKEND_URL"]
        self._exported: dict[str, Any] | None = None

    def create(self) -> None:
        """Make the stack if it is not there."""
        folder = self._on_disk()
        if folder and (folder / "stacks" / PROJECT / f"{self._workspace.stack}.json").exists():
            return  # Pulumi would say the same, half a second later
        self._run.run("stack", "select", "--create", self._workspace.stack)

    def exists(self) -> bool:
        """Whether there is such a stack."""
        return self._workspace.stack in self.stacks()

    def stacks(self) -> frozenset[str]:
        """All stacks of the project that the backend has."""
        listed = json.loads(self._run.output("stack", "ls", "--json"))
        return frozenset(stack["name"].rpartition("/")[2] for stack in listed)

    def exported(self) -> dict[str, Any]:
        """What `pulumi stack export` prints; secrets stay encrypted. Read once between two changes."""
        if self._exported is None:
            self._exported = json.loads(self._run.output("stack", "export", "--stack", self._workspace.stack))
        return copy.deepcopy(self._exported)

    def state(self) -> State:
        """The stack's deployment; secrets stay encrypted."""
        deployment: State = self.exported()["deployment"] or {}
        return deployment

    def outputs(self) -> dict[str, Any]:
        """What the layers have put out, by `OUTPUTS`, with secrets in clear: never print them.

        A stack has outputs of its own only when all of it stands; a layer's are there when that layer is.
        """
        exported = self._run.output("stack", "export", "--show-secrets", "--stack", self._workspace.stack)
        resources = (json.loads(exported)["deployment"] or {}).get("resources") or ()
        made = {each["type"]: each.get("outputs") or {} for each in resources if each["type"] in OUTPUTS}
        return {
            name: in_clear(outputs[name])
            for layer, outputs in made.items()
            for name in OUTPUTS[layer]
            if outputs.get(name) is not None
        }

    def up(self, progress: Progress, *options: str) -> Changes:
        """Lead the cloud to what the environment says.

        Raises:
            TerpError: with what the engine said.
        """
        return self._long("up", progress, "--yes", "--skip-preview", "--parallel", PARALLEL, *options)

    def preview(self, progress: Progress, *options: str) -> Changes:
        """What `up` would change, also where protection would stop it; `options` are those of `up`."""
        known = [each for each in options if each not in UP_ALONE]
        return self._long("preview", progress, UNPROTECTED, "--parallel", PARALLEL, *known)

    def destroy(self, progress: Progress, *options: str) -> Changes:
        """Remove everything of the stack, except what is protected."""
        return self._long("destroy", progress, "--yes", "--skip-preview", "--parallel", PARALLEL, *options)

    def refresh(self, progress: Progress, kind: str) -> Changes:
        """Record what resources of one type really are; nothing but the state is changed."""
        resources = self.state().get("resources") or ()
        targets = [f"--target={each['urn']}" for each in resources if each["type"] == kind]
        return self._long("refresh", progress, "--yes", "--skip-preview", *targets)

    def unprotect(self) -> None:
        """Let everything be removed."""
        self._run.run("state", "unprotect", "--all", "--yes", "--stack", self._workspace.stack)
        self._exported = None

    def remove(self) -> None:
        """Forget the stack with its state; what is on the cloud stays."""
        self._run.run("stack", "rm", "--yes", "--force", "--preserve-config", self._workspace.stack)

    def drop_pending(self) -> bool:
        """Forget operations that a killed run had begun; whether there were any.

        What they made on the cloud is found by its marks (`leftovers`).
        """
        exported = self.exported()
        if not (exported["deployment"] or {}).pop("pending_operations", None):
            return False
        self.replace(exported)
        return True

    def forget(self, urns: Collection[str]) -> None:
        """Forget resources; what is on the cloud of them stays."""
        if not urns:
            return
        exported = self.exported()
        deployment = exported["deployment"]
        deployment["resources"] = [each for each in deployment["resources"] if each["urn"] not in urns]
        self.replace(exported)

    def replace(self, exported: Mapping[str, Any]) -> None:
        """Let what `exported` once gave, or was made of that, be the stack's state."""
        self._exported = None
        self._run.run("stack", "import", "--stack", self._workspace.stack, stdin=json.dumps(exported))

    def unlock(self) -> bool:
        """Remove the lock of a run of this machine that is dead; whether there was one.

        Raises:
            TerpError: another run holds it that may be alive.
        """
        locks = self._locks()
        if holder := self.holder():
            raise TerpError(
                f"stack {self._workspace.stack} is {holder}",
                hint="wait for it; if it is surely dead, remove its lock: "
                f"pulumi cancel --stack {self._workspace.stack}",
            )
        if locks:
            self._run.run("cancel", "--yes", "--stack", self._workspace.stack)
        return bool(locks)

    def holder(self) -> str:
        """In whose hands it is, as far as that run may be alive; empty when nobody has it."""
        for lock in self._locks():
            holder = json.loads(lock.read_text())
            if holder["hostname"] != socket.gethostname() or _program(holder["pid"]) == "pulumi":
                return (
                    f"in the hands of another run: {holder['username']} on {holder['hostname']}, "
                    f"process {holder['pid']}, since {holder['timestamp'][:19]}"
                )
        return ""

    def retain(self, volumes: Collection[str]) -> None:
        """Let volumes, by their ids, stay on the cloud when the stack is destroyed."""
        if not volumes:
            return
        exported = self.exported()
        for each in (exported["deployment"] or {}).get("resources") or ():
            if each["type"] == VOLUME and each.get("id") in volumes:
                each["retainOnDelete"] = True
        self.replace(exported)

    def _locks(self) -> list[Path]:
        """The lock files of a state on disk (pkg/backend/diy/lock.go); other backends are asked by Pulumi."""
        folder = self._on_disk()
        if not folder:
            return []
        return sorted((folder / "locks" / "organization" / PROJECT / self._workspace.stack).glob("*.json"))

    def _on_disk(self) -> Path | None:
        """Where the backend is, if it is a folder."""
        place = urlparse(self._url)
        return Path(place.path).expanduser() / ".pulumi" if place.scheme == "file" else None

    def _long(self, command: str, progress: Progress, *options: str) -> Changes:
        workspace = self._workspace
        expected = len(self.state().get("resources", []))
        self._exported = None
        workspace.log.unlink(missing_ok=True)
        with (
            progress.task(f"{command} {workspace.stack}") as task,
            EventLog(workspace.event_log, task, expected) as events,
        ):
            try:
                self._run.log_to(
                    workspace.log,
                    command,
                    "--stack",
                    workspace.stack,
                    "--color=never",
                    "--suppress-outputs",
                    "--event-log",
                    str(workspace.event_log),
                    *options,
                    timeout=LONG,
                )
            except CommandError as error:
                raise self._failed(command, error, events) from error
        workspace.event_log.unlink(missing_ok=True)
        return events.changes

    def _failed(self, command: str, error: CommandError, events: EventLog) -> EngineError:
        events.__exit__()
        said = [message for message in events.changes.errors if message != "update failed"]
        text = "\n".join(dict.fromkeys(said)) or error.output.strip()
        return EngineError(
            f"pulumi {command} failed\n{text}",
            hint=f"the whole log: {self._workspace.log}; "
            + (
                "nothing was changed" if command == "preview" else "run it again: it goes on where it stopped"
            ),
            changes=events.changes,
        )


def _program(pid: int) -> str:
    """Which program a process runs; none when there is no such process, or it is dead and not buried yet."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if rest.split()[0] in "ZX" else name
