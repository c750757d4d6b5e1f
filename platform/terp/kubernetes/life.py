"""The life of a cluster: look at it, plan, run, and record what it became. Knows nothing of Pulumi.

Whatever dies in the middle is taken up by the next call: every run can be repeated, and what the hosts say
decides, not what somebody remembers to have begun.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes import keys, kubeconfig
from terp.kubernetes.arrival import wait_for_hosts
from terp.kubernetes.model import ClusterState, Node, Observation, Run
from terp.kubernetes.observation import Look, look_at
from terp.kubernetes.plan import Plan, plan
from terp.kubernetes.plan.told import ToldRun
from terp.kubernetes.readiness import Needs, Report, check_hosts, needs_of
from terp.kubernetes.unfinished import broken_off, unfinished
from terp.model import Model
from terp.provider.resource import Sayings

KEPT_RUNS = 30
"""Records of runs that are handed on; the runner's own history has more."""


class Wanted(Model):
    """What a cluster shall be, and what opens its hosts.

    `endpoint` is `https://host:port` of the API as it is reached from outside. `source` and `commit` say
    where Kubespray comes from, `run_variables` are extra variables of every run, `skip_tags` what
    every run leaves out, `mitogen` whether it runs Kubespray's tasks.
    """

    name: str
    nodes: tuple[Node, ...]
    jump: Node | None = None
    installer: Literal["kubespray", "embedded"]
    installer_version: str
    source: str = ""
    commit: str | None = None
    kubernetes_version: str
    variables: Mapping[str, JsonValue] = {}
    run_variables: Mapping[str, JsonValue] = {}
    skip_tags: tuple[str, ...] = ()
    mitogen: bool = True
    secrets: Mapping[str, str] = {}
    private_key: str
    endpoint: str
    reset_on_delete: bool = False

    @property
    def state(self) -> ClusterState:
        """The state that it shall have."""
        return ClusterState(
            nodes=self.nodes,
            installer=self.installer,
            installer_version=self.installer_version,
            kubernetes_version=self.kubernetes_version,
            variables=self.variables,
            secrets={name: keys.fingerprint(value) for name, value in self.secrets.items()},
        )


class Standing(Model):
    """What is recorded of a cluster: the state that it has reached, what opens it, and what was run.

    `state` is None until a first creation came to its end; `attempts` are what runs that broke off since then
    were leading to, oldest first.
    """

    state: ClusterState | None = None
    attempts: tuple[ClusterState, ...] = ()
    kubeconfig: str | None = None
    ca_certificate: str | None = None
    keys: Mapping[str, str] = {}
    runs: tuple[Mapping[str, JsonValue], ...] = ()

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each key."""
        return keys.fingerprints(self.keys)

    @property
    def secrets(self) -> Iterator[str]:
        """Everything in it that nobody may see."""
        if self.kubeconfig:
            yield self.kubeconfig
        yield from self.keys.values()


class UnfinishedError(TerpError):
    """The cluster is not as it shall be; `standing` is what it is."""

    def __init__(self, standing: Standing, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.standing = standing


@dataclass(frozen=True)
class Ended:
    """How a run ended: its record without secrets, and what went wrong, if anything."""

    record: Mapping[str, JsonValue]
    failure: str = ""
    remedy: str = ""


class Executor(Protocol):
    """What runs playbooks."""

    def estimate(self, run: Run, wanted: Wanted) -> str:
        """How long it will take, from earlier runs: `about 4 min`; empty when there were none."""

    def execute(self, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> Ended:
        """Run to the end, or until `stop`."""


Check = Callable[[Sequence[Node], Node | None, str, Needs], Report]
"""Looks at hosts before a run: nodes, the way to them, their key, what the run needs."""


class Life:
    """Leads clusters from what they are to what they shall be."""

    def __init__(self, executor: Executor, check: Check = check_hosts) -> None:
        self._executor = executor
        self._check = check

    def preview(
        self,
        wanted: Wanted,
        standing: Standing | None,
        say: Sayings,
        coming: frozenset[str] = frozenset(),
    ) -> tuple[Run, ...]:
        """Say which runs there would be, why and how long; nothing is changed.

        `coming` are the nodes whose servers are to come: they are taken to answer, as are new ones that are
        there and boot still, for which a run would wait.

        Raises:
            TerpError: what is wanted cannot be reached safely, or the hosts have other keys.
        """
        before = _with_broken_off(wanted, standing)
        awaited = {node.name for node in _not_in([before.state] if before.state else [], wanted.nodes)}
        planned, _ = self._plan(wanted, before, say, coming, awaited)
        return planned.runs

    def lead(
        self, wanted: Wanted, standing: Standing | None, say: Sayings, stop: threading.Event
    ) -> Standing:
        """Lead the cluster to what is wanted, and look at what it became.

        Raises:
            UnfinishedError: a run failed or was stopped; the next call goes on.
            TerpError: what is wanted cannot be reached safely, the hosts have other keys, or new ones are not
                ready for a run; nothing ran.
        """
        before = _with_broken_off(wanted, standing)
        recorded = [before.state] if before.state else []
        new = _not_in(recorded, wanted.nodes)
        wait_for_hosts(new, wanted.jump, wanted.private_key, say.progress, stop.is_set)
        planned, seen = self._plan(wanted, before, say)
        if any(run.kind == "playbook" for run in planned.runs):
            never = _not_in([*recorded, *before.attempts], wanted.nodes)
            self._check_hosts(wanted, {node.name for node in never} - set(seen.api_nodes or ()), say)
        attempts = (*(each for each in before.attempts if each != planned.state), planned.state)
        begun = before.model_copy(update={"attempts": attempts})
        with unfinished(wanted.name, attempts):
            for number, run in enumerate(planned.runs, 1):
                say.say(f"run {number} of {len(planned.runs)}: {ToldRun.of(run)}")
                begun = self._run(run, wanted, begun, say, stop)
            look = look_at(wanted.nodes, wanted.jump, wanted.private_key)
            if look.kubeconfig is None:
                raise UnfinishedError(
                    begun, "no control plane has a kubeconfig", hint="see the log of the run"
                )
            reached = begun.model_copy(update={"state": planned.state, "attempts": ()})
            return _seen(wanted, look, reached)

    def read(self, wanted: Wanted, standing: Standing | None, say: Sayings) -> Standing | None:
        """What the cluster is now; None when its hosts answer and have no cluster.

        When no host answers, nothing is known, and what was recorded stays.
        """
        before = standing or Standing()
        look = look_at(wanted.nodes, wanted.jump, wanted.private_key)
        if look.kubeconfig is not None:
            return _seen(wanted, look, before)
        if any(node.name in look.observation.reachable for node in _control_plane(wanted.nodes)):
            return None
        say.warn("no control plane answers SSH: what was recorded of the cluster stays")
        return before

    def reset(self, wanted: Wanted, say: Sayings, stop: threading.Event) -> None:
        """Remove the cluster from its hosts, with all that is in it.

        Raises:
            UnfinishedError: the run failed or was stopped.
        """
        run = Run(
            kind="playbook",
            playbook="reset.yml",
            nodes=wanted.nodes,
            variables={"reset_confirmation": True},
            installer_version=wanted.installer_version,
            kubernetes_version=wanted.kubernetes_version,
            reason="the cluster is deleted, with reset_on_delete",
            hosts=tuple(node.name for node in wanted.nodes),
        )
        say.say(str(ToldRun.of(run)))
        self._run(run, wanted, Standing(), say, stop)

    def _plan(
        self,
        wanted: Wanted,
        before: Standing,
        say: Sayings,
        coming: Collection[str] = (),
        awaited: Collection[str] = (),
    ) -> tuple[Plan, Observation]:
        """The runs that lead there, after saying them, and what was seen.

        Nobody looks for nodes that are `coming`; these and those that are `awaited` are taken to answer.
        """
        there = [node for node in _everyone(wanted, before) if node.name not in coming]
        look = look_at(there, wanted.jump, wanted.private_key)
        reachable = look.observation.reachable.union(coming, awaited)
        seen = look.observation.model_copy(update={"reachable": reachable})
        recorded = {**before.fingerprints, **wanted.state.secrets}
        for host, found in look.keys.items():
            keys.check_keys(recorded, keys.fingerprints(found), host)
        planned = plan(before.state, wanted.state, seen, attempts=before.attempts)
        for number, run in enumerate(planned.runs, 1):
            told = ToldRun.of(run, self._executor.estimate(run, wanted))
            say.say(f"plan {number} of {len(planned.runs)}: {told}")
        return planned, seen

    def _check_hosts(self, wanted: Wanted, new: Collection[str], say: Sayings) -> None:
        """Stop for what is wrong with new hosts and the way to them; a run may be what mends the others.

        Raises:
            TerpError: with every error of the new ones (exit code 2).
        """
        say.progress("checks the hosts")
        members = [node.name for node in wanted.nodes if node.name not in new]
        needs = needs_of(wanted.variables, wanted.installer, members)
        report = self._check(wanted.nodes, wanted.jump, wanted.private_key, needs)
        judged = {*new, *([wanted.jump.name] if new and wanted.jump else [])}
        stopping = tuple(each for each in report.errors if each.host in judged)
        report.model_copy(update={"findings": stopping}).raise_if_bad()
        for finding in report.findings:
            say.warn(f"{finding.host}: {finding.check}: {finding.message}")

    def _run(
        self, run: Run, wanted: Wanted, before: Standing, say: Sayings, stop: threading.Event
    ) -> Standing:
        """One run; what is recorded afterwards has its record, too."""
        if stop.is_set():
            raise UnfinishedError(before, f"stopped before {_name(run)}", hint="`up` goes on")
        try:
            ended = self._executor.execute(run, wanted, say, stop)
        except TerpError as error:  # what ran before it is not lost
            raise UnfinishedError(before, error.message, hint=error.hint or "`up` goes on") from error
        after = before.model_copy(update={"runs": (*before.runs, ended.record)[-KEPT_RUNS:]})
        if ended.failure:
            raise UnfinishedError(
                after, f"{_name(run)}: {ended.failure}", hint=ended.remedy or "`up` goes on"
            )
        return after


def _not_in(states: Sequence[ClusterState], nodes: Sequence[Node]) -> list[Node]:
    """The nodes whose hosts were in none of these."""
    there = {(node.name, node.host_key) for state in states for node in state.nodes}
    return [node for node in nodes if (node.name, node.host_key) not in there]


def _with_broken_off(wanted: Wanted, standing: Standing | None) -> Standing:
    """What is recorded, and what this machine alone knows of: whoever was killed recorded nothing."""
    before = standing or Standing()
    more = [each for each in broken_off(wanted.name) if each not in before.attempts]
    return before.model_copy(update={"attempts": (*before.attempts, *more)})


def _seen(wanted: Wanted, look: Look, before: Standing) -> Standing:
    """What is recorded of a cluster that was seen."""
    admin = look.kubeconfig or ""
    return before.model_copy(
        update={
            "kubeconfig": kubeconfig.led_to(admin, wanted.endpoint, wanted.name),
            "ca_certificate": kubeconfig.ca_certificate(admin),
            "keys": {**before.keys, **look.keys.get(look.control_plane, {})},
        }
    )


def _everyone(wanted: Wanted, before: Standing) -> tuple[Node, ...]:
    """The nodes, and those that shall leave: their hosts are there until they have left."""
    pasts = [*reversed(before.attempts), *([before.state] if before.state else [])]
    latest: dict[str, Node] = {}
    for node in (*wanted.nodes, *(node for past in pasts for node in past.nodes)):
        latest.setdefault(node.name, node)
    return tuple(latest.values())


def _control_plane(nodes: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(node for node in nodes if "control-plane" in node.roles)


def _name(run: Run) -> str:
    return run.playbook or run.kind
