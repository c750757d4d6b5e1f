"""Any sequence of edits, accidents and interruptions: no run destroys anything, and the end is as wanted."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.kubernetes.plan.clusters import GPU, RELEASES, node, state
from tests.unit.kubernetes.plan.world import World

from terp.kubernetes.model import ClusterState
from terp.kubernetes.plan import UnsafeChangeError, plan

VERSIONS = [
    ("v2.29.1", "1.33.5"),
    ("v2.29.1", "1.33.7"),
    ("v2.30.0", "1.34.0"),
    ("v2.31.0", "1.34.7"),
    ("v2.31.0", "1.35.4"),
]


@dataclass(frozen=True)
class Edit:
    """What a person changes in the environment, and what happens to hosts before the next `up`."""

    control_plane: int
    first: int
    workers: int
    version: int
    labels: frozenset[str]
    tainted: bool
    variable: int
    made_anew: frozenset[str] = field(default_factory=frozenset)
    dies_after: int | None = None
    given_up: bool = False
    """After it broke off the next edit comes, rather than the same again."""


edits = st.builds(
    Edit,
    control_plane=st.sampled_from([1, 3, 5]),
    first=st.integers(0, 2),
    workers=st.integers(0, 3),
    version=st.integers(0, len(VERSIONS) - 1),
    labels=st.frozensets(st.sampled_from(["zone", "gpu"])),
    tainted=st.booleans(),
    variable=st.integers(0, 2),
    made_anew=st.frozensets(st.sampled_from(["cp-0", "cp-1", "cp-2", "cpu-0", "cpu-1"]), max_size=2),
    dies_after=st.none() | st.integers(0, 9),
    given_up=st.booleans(),
)


class Operator:
    """Leads a world by plans, as the layer does: records what it reached, and what it attempted."""

    def __init__(self) -> None:
        self.world = World()
        self.recorded: ClusterState | None = None
        self.attempts: list[ClusterState] = []
        self._keys: dict[str, str] = {}
        self._version = 0

    def wanted(self, edit: Edit) -> ClusterState:
        """The state of an edit; servers that were made anew have another key. Nobody goes back a version."""
        self._version = max(self._version, edit.version)
        control_plane = range(edit.first, edit.first + edit.control_plane)
        names = [f"cp-{n}" for n in control_plane] + [f"cpu-{n}" for n in range(edit.workers)]
        for name in edit.made_anew & set(names):
            self._keys[name] = f"{self._keys.get(name, name)}+"
        labels = dict.fromkeys(sorted(edit.labels), "yes")
        taints = (GPU,) if edit.tainted else ()
        nodes = [
            node(
                name,
                key=self._keys.get(name, name),
                labels=labels if name.startswith("cpu") else {},
                taints=taints if name.startswith("cpu") else (),
            )
            for name in names
        ]
        release, kubernetes = VERSIONS[self._version]
        variables = {"kube_oidc_auth": edit.variable, "kubelet_max_pods": edit.variable}
        return state(nodes, installer_version=release, kubernetes_version=kubernetes, variables=variables)

    def hosts_and_versions(self) -> tuple[dict[str, str], dict[str, str], int]:
        """What `wanted` and `up` change before anything is planned."""
        return dict(self.world.hosts), dict(self._keys), self._version

    def back_to(self, before: tuple[dict[str, str], dict[str, str], int]) -> None:
        """As it was."""
        self.world.hosts, self._keys, self._version = before

    def up(self, desired: ClusterState, dies_after: int | None = None) -> bool:
        """Plan and run; whether it came to its end. Hosts that leave go when it did, as Pulumi does it."""
        for each in desired.nodes:
            self.world.hosts[each.name] = each.host_key
        found = plan(self.recorded, desired, self.world.observed(), attempts=self.attempts, releases=RELEASES)
        for number, run in enumerate(found.runs):
            if number == dies_after:
                self.attempts.append(found.state)
                return False
            self.world.do(run)
        self.recorded, self.attempts = found.state, []
        wanted = {each.name for each in desired.nodes}
        self.world.hosts = {name: key for name, key in self.world.hosts.items() if name in wanted}
        return True


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(edits, min_size=1, max_size=6))
def test_every_sequence_ends_as_wanted_and_passes_through_nothing_forbidden(sequence: list[Edit]) -> None:
    operator = Operator()
    for edit in sequence:
        before = operator.hosts_and_versions()
        desired = operator.wanted(edit)
        try:
            ended = operator.up(desired, edit.dies_after) or (not edit.given_up and operator.up(desired))
        except UnsafeChangeError:
            # Refused: the person takes the edit back, and so do the hosts that had been made for it.
            operator.back_to(before)
            continue
        if not ended:
            continue
        assert operator.world.is_as(desired)
        assert operator.recorded is not None
        again = plan(operator.recorded, desired, operator.world.observed(), releases=RELEASES)
        assert again.runs == ()
        assert [each.name for each in again.state.nodes] == [each.name for each in operator.recorded.nodes]
