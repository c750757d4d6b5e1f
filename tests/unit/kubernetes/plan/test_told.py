"""Runs told in a sentence, and read out of it again."""

from hypothesis import given
from hypothesis import strategies as st

from terp.kubernetes.plan.told import ToldRun

WORDS = st.text("abc ,.-'()\"0", min_size=1).map(lambda text: f"a{text}b")
HOSTS = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), min_size=1, max_size=4)
TIMES = st.sampled_from(["", "about 4 m 10 s"])


@given(HOSTS, WORDS, st.just("") | WORDS, TIMES)
def test_what_is_told_can_be_read(hosts: list[str], reason: str, interrupts: str, estimate: str) -> None:
    run = ToldRun(
        name="remove-node.yml", hosts=tuple(hosts), reason=reason, interrupts=interrupts, estimate=estimate
    )
    assert ToldRun.read(f"plan 2 of 3: {run}") == run


def test_other_sentences_are_no_runs() -> None:
    assert ToldRun.read("cluster.yml ok after 5 m 50 s; 129 changed on 3 hosts") is None
    assert ToldRun.read("run 1 of 2: cluster.yml on a: b") is None
