"""From a cluster to the platform: Argo CD, the root Application, and the wait until all of it is healthy.

It can be begun anew at any time: everything is applied as it shall be, and what is there already stays.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from kubernetes.client import ApiException
from pydantic import JsonValue

from terp.environment.fields import COMMIT
from terp.environment.platform import GitRepository
from terp.errors import TerpError
from terp.gitops import convergence
from terp.gitops.application import NAMESPACE, ROOT, root_application
from terp.gitops.cluster import MANAGER, Cluster
from terp.gitops.credential import REDIS, redis_secret, repository_secret
from terp.gitops.diagnosis import diagnosis, holding, trouble
from terp.gitops.observation import API_VERSION, APPLICATION, REFRESH, SeenApplication, applications, root
from terp.gitops.references.things import Manifest
from terp.gitops.rendering import renderer_for
from terp.gitops.rendering.helm import Cluster as ToldCluster
from terp.gitops.root import RootValues
from terp.kubernetes.acceptance.api import SilentError
from terp.model import Model
from terp.progress import Progress, Task
from terp.provider.resource import Sayings
from terp.provider.told import told
from terp.tools import sync

ARGO_CD = "argo-cd"
TOOLS = "gitops"
EVERY = 3.0
"""Seconds between two looks."""
TO_START = 600.0
"""Seconds that Argo CD itself has to become ready."""
LOOK_AGAIN = 10.0
"""Seconds between two times that Argo CD is asked to compare the same Application."""
FORGIVEN = 60.0
"""Seconds that the API may be silent: its server may be replaced meanwhile."""
WORKLOADS = ("Deployment", "StatefulSet")
T = TypeVar("T")


class Wanted(Model):
    """A platform: where its root lies, what the root is told, and what opens cluster and repository.

    `wave_limit` is the longest time for one wave, in seconds.
    """

    name: str
    kubeconfig: str
    kubernetes_version: str
    git: GitRepository
    credential: str = ""
    values: RootValues
    stand_ins: tuple[str, ...] = ()
    wave_limit: int = 900

    @property
    def commit(self) -> str:
        """What the root shall have read; empty where the revision is a branch or a tag, which may move."""
        return self.git.revision if re.fullmatch(COMMIT, self.git.revision) else ""


class StandingApplication(Model):
    """What became of an Application; `seconds` from the beginning of the rollout until it was well."""

    name: str
    wave: int
    version: str
    health: str
    seconds: int | None = None
    stand_in: bool = False


Standing = tuple[StandingApplication, ...]


class HeldError(TerpError):
    """The platform does not stand; `standing` is what does."""

    def __init__(self, standing: Standing, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.standing = standing


class Rollout:
    """Rolls platforms out."""

    def lead(self, wanted: Wanted, say: Sayings, stop: threading.Event) -> Standing:
        """Install what is missing, and wait until every Application is well.

        Raises:
            HeldError: a wave took too long, or it was stopped.
            TerpError: Argo CD could not be installed.
        """
        with told(say) as progress, Cluster(wanted.kubeconfig) as cluster:
            self._install(wanted, cluster, progress, stop)
            cluster.apply([root_application(wanted.git, wanted.values)], NAMESPACE)
            for name in (ROOT, *(each.name for each in applications(cluster))):
                refresh(
                    cluster, name
                )  # what somebody has changed is not noticed in every case: a deleted CRD is not
            with progress.task(f"platform of {wanted.name}") as task:
                return _Watch(wanted, cluster, say, stop).until_well(task)

    def read(self, wanted: Wanted, outputs: Standing) -> Standing | None:
        """What stands now; None when the root is gone, or the cluster."""
        try:
            with Cluster(wanted.kubeconfig) as cluster:
                if root(cluster) is None:
                    return None
                seen = {each.name: each for each in applications(cluster)}
        except TerpError:
            return None
        seconds = {each.name: each.seconds for each in outputs}
        return _standing(wanted, seen, seconds)

    def _install(self, wanted: Wanted, cluster: Cluster, progress: Progress, stop: threading.Event) -> None:
        """Argo CD as it will manage itself, unless it does so already: then only git changes it."""
        cluster.apply([_namespace()], NAMESPACE)
        if wanted.credential:
            cluster.apply([repository_secret(wanted.git, wanted.credential)], NAMESPACE)
        if cluster.read("v1", "Secret", REDIS, NAMESPACE) is None:
            cluster.apply([redis_secret()], NAMESPACE)
        if _manages_itself(cluster):
            return
        with progress.task("Argo CD") as task:
            manifests = self._manifests(wanted, progress)
            left = cluster.apply(manifests, NAMESPACE)
            if left:
                task.update(f"left to Argo CD, as their kinds are to come: {', '.join(left)}")
            _await(cluster, [each for each in manifests if each["kind"] in WORKLOADS], task, stop)

    def _manifests(self, wanted: Wanted, progress: Progress) -> list[Manifest]:
        """What Argo CD will find in git for itself, rendered as it will render it."""
        toolchain = sync(TOOLS, progress)
        cluster = ToldCluster(version=wanted.kubernetes_version)
        with renderer_for(toolchain, cluster, wanted.git.repository) as programs:
            found = programs.application(ARGO_CD, wanted.values.applications[ARGO_CD].spec)
        if found.error:
            raise found.error
        return found.objects


class _Watch:
    """The wait for one platform."""

    def __init__(self, wanted: Wanted, cluster: Cluster, say: Sayings, stop: threading.Event) -> None:
        self._wanted, self._cluster, self._say, self._stop = wanted, cluster, say, stop
        self._began = time.monotonic()
        self._wave: int | None = -1
        self._wave_began = self._began
        self._seconds: dict[str, int] = {}
        self._silent_since: float | None = None
        self._looked_again: dict[str, float] = {}

    def until_well(self, task: Task) -> Standing:
        """Look again and again."""
        values = self._wanted.values
        while True:
            seen, waiting = self._look()
            self._note(waiting)
            if not waiting:
                return _standing(self._wanted, seen, self._seconds)
            self._look_again(seen, waiting)
            task.update(self._sentence(seen, waiting), convergence.share(values, waiting))
            if self._stop.wait(EVERY):
                self._give_up(seen, waiting, "stopped")
            limit = self._wanted.wave_limit
            if time.monotonic() - self._wave_began > limit:
                self._give_up(seen, waiting, f"wave {self._wave} is not healthy after {limit} s")

    def _look(self) -> tuple[Mapping[str, SeenApplication], Mapping[str, str]]:
        """What there is, and what is pending."""
        values, ours = self._wanted.values, self._wanted.git.repository
        answer = self._asked(lambda: (root(self._cluster), applications(self._cluster)))
        if answer is None:
            return {}, dict.fromkeys(values.applications, "the API does not answer")
        above, listed = answer
        seen = {each.name: each for each in listed}
        revision = self._wanted.commit or (above.read if above else "")
        if above and above.behind:
            self._asked(lambda: give_way(self._cluster, ROOT))
        if above and above.failed:
            self._asked(lambda: begin_again(self._cluster, ROOT))
        for name in (each.name for each in listed if each.held_back):
            self._asked(lambda name=name: give_way(self._cluster, name))  # type: ignore[misc]
        return seen, convergence.pending(values, seen, ours, revision)

    def _look_again(self, seen: Mapping[str, SeenApplication], waiting: Mapping[str, str]) -> None:
        """Have Argo CD compare what was synced and is not well, after a while.

        It does not notice when a CRD is established, and would look by itself after two minutes
        (argo-cd 3.5, controller/cache: CRDs are not tracked).
        """
        now = time.monotonic()
        for name in convergence.of_wave(self._wanted.values, waiting, self._wave):
            synced = name in seen and seen[name].synced
            if synced and now - self._looked_again.get(name, self._wave_began) > LOOK_AGAIN:
                self._looked_again[name] = now
                self._asked(lambda name=name: refresh(self._cluster, name))  # type: ignore[misc]

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """What the API says; nothing when it is away for a moment."""
        try:
            answer = ask()
        except (ApiException, SilentError) as error:
            now = time.monotonic()
            self._silent_since = self._silent_since or now
            if now - self._silent_since > FORGIVEN:
                raise TerpError(f"the API has not answered for {FORGIVEN:.0f} s: {error}") from error
            return None
        self._silent_since = None
        return answer

    def _note(self, waiting: Mapping[str, str]) -> None:
        """Remember when each was well, and say when a wave is."""
        values, now = self._wanted.values, time.monotonic()
        for name in values.applications.keys() - waiting.keys() - self._seconds.keys():
            self._seconds[name] = round(now - self._began)
        number = convergence.wave(values, waiting)
        if number == self._wave:
            return
        if self._wave is not None and self._wave >= 0 and (number is None or number > self._wave):
            self._say.say(f"wave {self._wave} is healthy, after {now - self._wave_began:.0f} s")
        self._wave, self._wave_began = number, now

    def _sentence(self, seen: Mapping[str, SeenApplication], waiting: Mapping[str, str]) -> str:
        """What is pending in the first wave, and the object that holds the first of it."""
        text = convergence.sentence(self._wanted.values, waiting)
        first = next(iter(convergence.of_wave(self._wanted.values, waiting, self._wave)), None)
        if first is None or first not in seen:
            return text
        found = seen[first]
        held = self._asked(lambda: next(holding(self._cluster, found), waiting[first]))
        return f"{text}; {first}: {held}" if held else text

    def _give_up(self, seen: Mapping[str, SeenApplication], waiting: Mapping[str, str], why: str) -> None:
        names = convergence.of_wave(self._wanted.values, waiting, self._wave)
        lines = [f"the platform does not stand: {why}"]
        for name in names:
            found = diagnosis(self._cluster, seen[name]) if name in seen else [f"{name}: {waiting[name]}"]
            lines += found
        if (above := root(self._cluster)) and above.message:
            lines.append(f"{ROOT}: {above.message}")
        raise HeldError(
            _standing(self._wanted, seen, self._seconds),
            "\n".join(lines),
            hint="mend it in git, then run `up` again: it goes on where it is",
        )


def refresh(cluster: Cluster, application: str) -> None:
    """Have Argo CD compare an Application with its sources now."""
    change: dict[str, JsonValue] = {"metadata": {"annotations": {REFRESH: "normal"}}}
    cluster.change(API_VERSION, APPLICATION, application, NAMESPACE, change)


def give_way(cluster: Cluster, application: str) -> None:
    """End the operation of an Application, so that a newer commit takes its turn.

    Argo CD itself waits without end for what an older one has made, also when the newer one mends it.
    """
    change: dict[str, JsonValue] = {"status": {"operationState": {"phase": "Terminating"}}}
    cluster.change(API_VERSION, APPLICATION, application, NAMESPACE, change)


def begin_again(cluster: Cluster, application: str) -> None:
    """Sync an Application after an operation that has failed: Argo CD does not, for the same revision."""
    found = cluster.read(API_VERSION, APPLICATION, application, NAMESPACE) or {}
    policy = found.get("spec", {}).get("syncPolicy", {})
    sync = {
        "prune": policy.get("automated", {}).get("prune", False),
        "syncOptions": policy.get("syncOptions", []),
    }
    operation = {"initiatedBy": {"username": MANAGER}, "sync": sync, "retry": policy.get("retry", {})}
    cluster.change(API_VERSION, APPLICATION, application, NAMESPACE, {"operation": operation})


def _manages_itself(cluster: Cluster) -> bool:
    """Whether Argo CD has brought itself to what git says once: from then on nobody else touches it."""
    found = cluster.read(API_VERSION, APPLICATION, ARGO_CD, NAMESPACE)
    return bool(found and found.get("status", {}).get("history"))


def _await(cluster: Cluster, workloads: list[Manifest], task: Task, stop: threading.Event) -> None:
    """Wait until the workloads are available."""
    end = time.monotonic() + TO_START
    while True:
        held = {}
        for each in workloads:
            name = each["metadata"]["name"]
            found = cluster.read(each["apiVersion"], each["kind"], name, NAMESPACE)
            said = trouble(each["kind"], found) if found else "is not there"
            if said:
                held[name] = said
        if not held:
            return
        text = "; ".join(f"{name}: {said}" for name, said in held.items())
        task.update(text, 1 - len(held) / len(workloads))
        if stop.wait(1.0):
            raise TerpError("stopped while Argo CD began")
        if time.monotonic() > end:
            raise TerpError(f"Argo CD is not ready after {TO_START:.0f} s: {text}")


def _standing(
    wanted: Wanted, seen: Mapping[str, SeenApplication], seconds: Mapping[str, int | None]
) -> Standing:
    return tuple(
        StandingApplication(
            name=name,
            wave=each.wave,
            version=seen[name].version if name in seen else "",
            health="Healthy" if name in seen and seen[name].well else "Progressing",
            seconds=seconds.get(name),
            stand_in=name in wanted.stand_ins,
        )
        for name, each in sorted(wanted.values.applications.items(), key=lambda item: (item[1].wave, item[0]))
    )


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
