"""Makes an environment anew from a recovery set: an ordinary `up` on what is given back before it.

Given back are the stack's state without what was on the cloud (so that generated keys stay the same), its
passphrase, and what the cluster is begun with: its keys, and etcd's snapshot. Each phase can be repeated, and
what is done is recorded beside the stack's state: a rebuild that was cut off goes on at its phase.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from kubernetes.client import ApiException
from pyrage.x25519 import Identity
from urllib3.exceptions import HTTPError

from terp.environment import Environment
from terp.environment.cloud import Cloud
from terp.environment.stack_file import STACKS, stack_file
from terp.errors import TerpError
from terp.gitops.resource import PLATFORM
from terp.kubernetes import restoration
from terp.kubernetes.acceptance.api import Api, wait
from terp.kubernetes.installer import has_cluster
from terp.kubernetes.keys import PLACES
from terp.kubernetes.resource import CLUSTER
from terp.kubernetes.unfinished import forget
from terp.model import Model
from terp.openstack.connection import connect
from terp.openstack.hosts import Host
from terp.progress import Progress
from terp.recovery import contents
from terp.recovery.etcd import TOOLS, Etcd
from terp.recovery.manifest import DamagedError, Manifest
from terp.recovery.proof import Open, opened
from terp.recovery.sets import LATEST, Sets
from terp.recovery.state import recorded_fingerprints, without_cloud
from terp.stack.pulumi import Pulumi
from terp.stack.reap.model import Thing
from terp.stack.reap.survey import survey
from terp.stack.retention import mark_in_use
from terp.stack.workflow import Deployment, Result, forget_stack
from terp.stack.workspace import PASSPHRASES, Workspace
from terp.tools import sync

GIVE_BACK, RAISE, VERIFY = "prove and give back", "raise", "verify"
TO_BE_READY = 300.0
"""Seconds that nodes have after everything else stands."""
PAGE = 500
"""Secrets of one answer."""
DATA = ("volume", "snapshot")
"""Kinds of what a cluster makes that holds data, and that a new one finds by its id."""
Ground = Callable[[Deployment], None]
"""Raises what the stack stands on: the embedded cloud."""


class Phase(Model):
    """What was done, and the seconds that it took."""

    name: str
    seconds: float


class Record(Model):
    """A rebuild that has begun: of which set, and what is done of it.

    `fingerprints` and `namespaces` are what the cluster must have in the end.
    """

    set: str
    created: datetime
    began: datetime
    fingerprints: Mapping[str, str] = {}
    namespaces: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    ended: datetime | None = None

    @property
    def seconds(self) -> float:
        """From its begin to its end, interruptions included."""
        return ((self.ended or datetime.now(UTC)) - self.began).total_seconds()


class Rebuild:
    """One environment from one set."""

    def __init__(
        self,
        stack: str,
        sets: Sets,
        keys: Sequence[Identity],
        progress: Progress,
        ground: Ground,
        *,
        wanted: str = LATEST,
        over: bool = False,
    ) -> None:
        """`wanted` is the beginning of the set's name. `over` forgets a state whose cloud has nothing."""
        self._sets, self._keys = sets, keys
        self._progress, self._ground = progress, ground
        self._wanted, self._over = wanted, over
        self._workspace = Workspace(_file(stack))
        self._record = _read(self._workspace)

    @property
    def record(self) -> Record:
        """What is done by now."""
        if self._record is None:
            raise TerpError("the rebuild has not begun")
        return self._record

    def run(self) -> Record:
        """All phases that are left.

        Raises:
            TerpError: the set is not whole, something of the environment is there, or a phase failed; the
                next call goes on with that.
        """
        for _, work in self.phases():
            work()
        return self.record

    def phases(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What is left to do, in order."""
        left = ((GIVE_BACK, self._give_back), (RAISE, self._raise), (VERIFY, self._verify))
        done = self._record.done if self._record else ()
        yield from ((name, work) for name, work in left if name not in done)

    def _give_back(self) -> None:
        start = time.monotonic()
        began = self._record.began if self._record else datetime.now(UTC)
        manifest = self._sets.find(self._record.set if self._record else self._wanted)
        if self._wanted != LATEST and not manifest.name.startswith(self._wanted):
            raise TerpError(
                f"a rebuild of {self._workspace.stack} from set {manifest.name} has begun",
                hint="go on with it, or begin anew: terp destroy",
                exit_code=2,
            )
        with opened(self._sets, manifest, self._keys, self._progress) as (found, checks):
            if wrong := [f"{each.what}: {each.problem}" for each in checks if each.problem]:
                raise DamagedError(
                    f"set {manifest.name} cannot be used; nothing was changed\n" + "\n".join(wrong),
                    hint="is it the right key? Else take another set: terp backup list",
                )
            proved = time.monotonic()
            file = self._workspace.stack_file
            deployment = Deployment(file if file.exists() else found.stack_file, self._progress)
            self._ground(deployment)
            _refuse_impossible(deployment.workspace.environment, manifest)
            if self._record is None:
                self._refuse_living(deployment)
            self._write(Record(set=manifest.name, created=manifest.created, began=began))
            if not file.exists():  # the work tree's counts, if it has one
                file.write_text(found.text(contents.STACK_FILE))
            with self._progress.task("give back") as task:
                task.update("state")
                self._give_state(self._deployment(), found)
                task.update("keys and snapshot of the cluster")
                names = self._give_cluster(manifest, found)
        given = {"fingerprints": dict(manifest.fingerprints), "namespaces": names}
        self._write(self.record.model_copy(update=given))
        self._note(GIVE_BACK, ("prove the set", proved - start), ("give back", time.monotonic() - proved))

    def _raise(self) -> None:
        """The same as `terp up`."""
        start = time.monotonic()
        deployment = self._deployment()
        self._ground(deployment)
        result = deployment.up()
        deployment.wait_for_ssh(result.hosts)
        restoration.forget_restoration(self._workspace.stack)
        self._note(RAISE, *_parts(result, time.monotonic() - start))

    def _verify(self) -> None:
        start = time.monotonic()
        deployment = self._deployment()
        outputs = deployment.outputs()
        if kubeconfig := outputs.get("kubeconfig"):
            exported = Pulumi(self._workspace, deployment.toolchain, state_only=True).exported()
            _same_keys(self.record.fingerprints, recorded_fingerprints(exported))
            hosts = [Host.model_validate(each) for each in outputs["hosts"]]
            members = {host.name for host in hosts if host.role != "bastion"}
            with self._progress.task("nodes and objects"):
                volumes = _check_cluster(kubeconfig, members, self.record.namespaces)
            self._take_back(deployment.workspace.environment.cloud, volumes)
        self._note(VERIFY, (VERIFY, time.monotonic() - start))
        self._write(self.record.model_copy(update={"ended": datetime.now(UTC)}))

    def _take_back(self, cloud: Cloud, volumes: Collection[str]) -> None:
        """Volumes that were kept, and that the cluster has again, are no longer left on purpose."""
        with connect(cloud) as connection:
            found = survey(connection, [self._workspace.stack])
            mark_in_use(connection, [each for each in found if each.thing.id in volumes])

    def _deployment(self) -> Deployment:
        return Deployment(self._workspace.stack_file, self._progress)

    def _refuse_living(self, deployment: Deployment) -> None:
        """Refuse to make an environment twice.

        Raises:
            TerpError: something of it is there (exit code 2); nothing was changed.
        """
        stack, cloud = self._workspace.stack, deployment.workspace.environment.cloud
        with self._progress.task("what is there"), connect(cloud) as connection:
            there = [
                str(each.thing)
                for each in survey(connection, [stack])
                if each.thing.stack == stack and not _stays(each.thing)
            ]
        pulumi = Pulumi(self._workspace, deployment.toolchain, state_only=True)
        recorded = pulumi.exists() and bool(pulumi.state().get("resources"))
        if there:
            remedy = (
                f"terp destroy {stack}"
                if recorded
                else f"terp reap --cloud {cloud.name} --stack {stack} --yes"
            )
            raise TerpError(
                f"{stack} is on cloud {cloud.name} still: {', '.join(there[:5])}"
                + (f" and {len(there) - 5} more" if len(there) > 5 else ""),
                hint=f"nothing was changed; if that is to go: {remedy}",
                exit_code=2,
            )
        if recorded and not self._over:
            raise TerpError(
                f"{stack} has a state, and nothing of it on cloud {cloud.name}",
                hint="nothing was changed; if its cloud is lost, forget that state: --over",
                exit_code=2,
            )
        if pulumi.exists():
            forget_stack(self._workspace, deployment.toolchain)
        forget(stack)

    def _give_state(self, deployment: Deployment, found: Open) -> None:
        workspace = self._workspace
        self._give_passphrase(found.text(contents.PASSPHRASE))
        workspace.copy.parent.mkdir(exist_ok=True)
        workspace.copy.write_text(found.text(contents.STACK_FILE))  # with the salt of what is encrypted in it
        workspace.prepare()
        pulumi = Pulumi(workspace, deployment.toolchain)
        pulumi.unlock()
        pulumi.create()
        pulumi.replace(without_cloud(json.loads(found.text(contents.STATE))))

    def _give_passphrase(self, passphrase: str) -> None:
        """Give the stack the passphrase that its state is encrypted with.

        Raises:
            TerpError: the caller's environment has another one (exit code 2).
        """
        given = [name for name in PASSPHRASES if name in os.environ]
        if given and self._workspace.passphrase() != passphrase:
            raise TerpError(
                f"{given[0]} is another passphrase than that of the set",
                hint=f"unset {given[0]}: the set brings the right one",
                exit_code=2,
            )
        if not given:
            self._workspace.bring_passphrase(passphrase)

    def _give_cluster(self, manifest: Manifest, found: Open) -> tuple[str, ...]:
        """What the cluster is begun with; the names of its namespaces."""
        if "cluster" not in manifest.layers:
            return ()
        toolchain = sync(TOOLS, self._progress)
        folder = found.files[contents.SNAPSHOT].parent / "given"
        folder.mkdir()
        snapshot = folder / contents.SNAPSHOT
        names = Etcd(toolchain).without_nodes(found.files[contents.SNAPSHOT], folder, snapshot)
        keys = {name: found.text(name) for name in PLACES}
        restoration.prepare(self._workspace.stack, keys, snapshot, toolchain.path("etcdutl"))
        return names

    def _note(self, done: str, *phases: tuple[str, float]) -> None:
        before = self.record
        new = tuple(Phase(name=name, seconds=round(seconds, 1)) for name, seconds in phases)
        self._write(
            before.model_copy(update={"done": (*before.done, done), "phases": (*before.phases, *new)})
        )

    def _write(self, record: Record) -> None:
        self._workspace.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = _place(self._workspace)
        new = file.with_name(f"{file.name}.new")
        new.write_text(record.model_dump_json(indent=1))
        new.replace(file)
        self._record = record


def _file(stack: str) -> Path:
    """The stack's file, which may be lost, too."""
    plain = "/" not in stack and not stack.endswith((".yaml", ".yml"))
    return STACKS / f"Pulumi.{stack}.yaml" if plain else stack_file(stack)


def _place(workspace: Workspace) -> Path:
    return workspace.root / "rebuild.json"


def _read(workspace: Workspace) -> Record | None:
    """A rebuild that has not come to its end."""
    file = _place(workspace)
    record = Record.model_validate_json(file.read_text()) if file.exists() else None
    return None if record and record.ended else record


def _refuse_impossible(environment: Environment, manifest: Manifest) -> None:
    """Refuse what the installer of the environment cannot begin with.

    Raises:
        TerpError: it cannot (exit code 2); nothing was changed.
    """
    if "cluster" not in manifest.layers:
        return
    if not has_cluster(environment):
        raise TerpError(
            "the set has a cluster, and the environment's hosts become none",
            hint="nothing was changed; see kubernetes.installer and cloud.name in its file",
            exit_code=2,
        )
    if environment.kubernetes.installer != "embedded":
        raise TerpError(
            f"a cluster of {environment.kubernetes.installer} cannot be begun with keys and a snapshot yet",
            hint="nothing was changed; how to do it by hand: docs/recovery.md",
            exit_code=2,
        )


def _stays(thing: Thing) -> bool:
    """Whether something on the cloud is in nobody's way: data that was kept, or that the old cluster had."""
    return thing.kept or (thing.by_cluster and thing.kind in DATA)


def _parts(result: Result, seconds: float) -> list[tuple[str, float]]:
    """Its layers, in the order in which they come."""
    later = {"cluster": result.changes.seconds_of(CLUSTER), "platform": result.changes.seconds_of(PLATFORM)}
    hosts = seconds - sum(later.values())
    return [("hosts", hosts), *((name, each) for name, each in later.items() if each)]


def _same_keys(wanted: Mapping[str, str], recorded: Mapping[str, str]) -> None:
    if wrong := sorted(name for name in wanted if recorded.get(name) != wanted[name]):
        raise TerpError(f"the cluster has another {', '.join(wrong)} than the set")


def _check_cluster(kubeconfig: str, members: set[str], namespaces: Sequence[str]) -> frozenset[str]:
    """Whether its nodes are there and ready, and its objects can be read; the ids of its volumes.

    Raises:
        TerpError: something is not as it was.
    """
    try:
        with closing(Api(kubeconfig)) as api:
            return _seen(api, members, namespaces)
    except (ApiException, HTTPError) as error:
        raise TerpError(f"the API does not tell what it has: {error}", hint="run it again") from error


def _seen(api: Api, members: set[str], namespaces: Sequence[str]) -> frozenset[str]:
    wait(
        f"nodes {', '.join(sorted(members))} alone, and ready",
        lambda: {name for name, node in api.nodes().items() if node.ready} == members == set(api.nodes()),
        TO_BE_READY,
    )
    there = {each.metadata.name for each in api.core.list_namespace().items}
    if lost := sorted(set(namespaces) - there):
        raise TerpError(f"namespaces are lost: {', '.join(lost)}")
    page, more = None, True
    while more:  # the API decrypts every one
        page = api.core.list_secret_for_all_namespaces(limit=PAGE, _continue=page).metadata._continue
        more = bool(page)
    volumes = api.core.list_persistent_volume().items
    return frozenset(each.spec.csi.volume_handle for each in volumes if each.spec.csi)
