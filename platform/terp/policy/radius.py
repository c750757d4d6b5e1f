"""The blast radius of a plan, in an operator's words: what is lost, what is interrupted, what opens."""

from collections.abc import Iterable, Iterator

from pydantic import Field

from terp.gitops.resource import PLATFORM
from terp.kubernetes.plan.refusals import quorum
from terp.kubernetes.plan.told import ToldRun
from terp.model import Model
from terp.openstack.types import FLOATING_IP, FLOATING_IP_ASSOCIATE, INSTANCE, LOAD_BALANCER, VOLUME
from terp.policy.plan import Plan
from terp.policy.rules.exposure import exposed
from terp.policy.rules.losses import NETWORKS, gone_applications, sized
from terp.policy.servers import etcd_members, lost_members, names, pools, restarts

ADDRESSES = (
    FLOATING_IP,
    FLOATING_IP_ASSOCIATE,
    LOAD_BALANCER,
)
"""What people and programs call by its address."""


class Radius(Model):
    """What a plan takes away, for a while or for ever."""

    volumes: tuple[str, ...] = Field(description="Volumes that are lost with their data.")
    servers: tuple[str, ...] = Field(
        description="Servers that go or are made anew: their root disks are lost."
    )
    restarts: tuple[str, ...] = Field(description="Servers that are restarted.")
    etcd: str = Field(description="What is left of etcd meanwhile; empty when it stays as it is.")
    drains: tuple[str, ...] = Field(description="By pool, the nodes whose pods must move.")
    networks: tuple[str, ...] = Field(description="Parts of networks that go: what is in them is cut off.")
    addresses: tuple[str, ...] = Field(description="Floating IPs and balancers whose address is given up.")
    opens: tuple[str, ...] = Field(description="What becomes public.")
    closes: tuple[str, ...] = Field(description="What is public no more.")
    applications: tuple[str, ...] = Field(description="Applications that go with what they have made.")
    interrupts: tuple[str, ...] = Field(description="What Kubernetes' playbooks say that they interrupt.")

    @property
    def lines(self) -> Iterator[tuple[str, str]]:
        """What happens, and to what: only what there is to say."""
        said: tuple[tuple[str, Iterable[str]], ...] = (
            ("lost with all data", (f"volume {each}" for each in self.volumes)),
            ("lost with its root disk", (f"server {each}" for each in self.servers)),
            ("goes with what it made", (f"Application {each}" for each in self.applications)),
            ("cut off", self.networks),
            ("away for a while", (f"server {each} (restart)" for each in self.restarts)),
            ("etcd", filter(None, [self.etcd])),
            ("pods move", self.drains),
            ("interrupted", self.interrupts),
            ("address given up", self.addresses),
            ("becomes public", self.opens),
            ("no longer public", self.closes),
        )
        return ((what, each) for what, things in said for each in things)


def radius(plan: Plan, runs: Iterable[ToldRun] = ()) -> Radius:
    """The blast radius of a plan, and of the runs that a cluster would have."""
    shown = [(step.name, *exposed(step)) for step in plan.steps]
    servers = tuple(plan.of(INSTANCE))
    return Radius(
        volumes=tuple(f"{step.name}{sized(step)}" for step in plan.of(VOLUME) if step.goes),
        servers=tuple(step.name for step in servers if step.goes),
        restarts=tuple(step.name for step in servers if restarts(step)),
        etcd=_etcd(plan),
        drains=tuple(_drains(plan)),
        networks=tuple(f"{NETWORKS[step.kind]} {step.name}" for step in plan.of(*NETWORKS) if step.goes),
        addresses=tuple(step.name for step in plan.of(*ADDRESSES) if step.goes),
        opens=tuple(f"{name}: {now}" for name, now, before in shown if now and not before),
        closes=tuple(f"{name}: {before}" for name, now, before in shown if before and not now),
        applications=tuple(_applications(plan)),
        interrupts=tuple(
            f"{run.interrupts} ({run.name} on {', '.join(run.hosts)})" for run in runs if run.interrupts
        ),
    )


def _etcd(plan: Plan) -> str:
    members, lost = etcd_members(plan), lost_members(plan)
    if not lost:
        return ""
    left = len(members) - len(lost)
    needed = quorum(len(members))
    kept = "keeps" if left >= needed else "loses"
    return f"{kept} its quorum: {left} of {len(members)} members left, {needed} needed; without {names(lost)}"


def _drains(plan: Plan) -> Iterator[str]:
    for pool, there in sorted(pools(plan).items()):
        away = tuple(step for step in there if step.goes)
        if away:
            yield f"pool {pool}: {len(away)} of {len(there)} nodes: {names(away)}"


def _applications(plan: Plan) -> Iterator[str]:
    for step in plan.of(PLATFORM):
        yield from gone_applications(step)
