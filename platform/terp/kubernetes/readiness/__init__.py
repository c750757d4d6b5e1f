"""Checks of the hosts before a run: over SSH, all findings at once, nothing changed.

Each host runs one program (`probe.py`) that says what it is and whom it reaches; what that means is decided
here, by pure functions (`judgement.py`).
"""

import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from terp.command import CommandError
from terp.kubernetes.model import Node
from terp.kubernetes.readiness.contacts import contacts
from terp.kubernetes.readiness.facts import Clock, Contact, Facts, clock_of
from terp.kubernetes.readiness.finding import Finding, Report, error
from terp.kubernetes.readiness.judgement import judge, judge_clocks, judge_jump, judge_silences
from terp.kubernetes.readiness.needs import Needs, needs_of
from terp.kubernetes.runner.configuration import forks
from terp.kubernetes.shell import Shell, UnreachableError, shell

__all__ = ["Finding", "Needs", "Report", "check_hosts", "needs_of"]

BOUND = 30.0
"""Seconds for everything."""
TO_JUDGE = 2.0
"""Seconds of them for what comes after the last answer, and to end an ssh that hangs."""
LIMIT = 20.0
"""Seconds for one host."""
AT_ONCE = 96
"""Hosts at a time: fewer than sshd of the bastion takes with MaxStartups as Terp's hosts have it."""
PROGRAM = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Answer:
    """What a host said, and how its clock stands."""

    facts: Facts
    clock: Clock


def check_hosts(nodes: Sequence[Node], jump: Node | None, private_key: str, needs: Needs) -> Report:
    """Everything that stands between these hosts and a run, within `BOUND` seconds.

    `private_key` is OpenSSH's text; SSH goes through `jump`. A host that was not asked in time is said.
    """
    start = time.monotonic()
    everyone = [*nodes, *([jump] if jump else [])]
    calls = contacts(nodes, needs.plugin)
    with shell(nodes, jump, private_key) as ssh, ThreadPoolExecutor(AT_ONCE) as pool:
        asking = [
            pool.submit(_ask, ssh, node, needs, calls.get(node.name, ()), start + BOUND - TO_JUDGE)
            for node in everyone
        ]
        answers = {node.name: asked.result() for node, asked in zip(everyone, asking, strict=True)}
    known = {name: answer for name, answer in answers.items() if isinstance(answer, Answer)}
    findings = [answer for answer in answers.values() if isinstance(answer, Finding)]
    findings += _judged(nodes, jump, known, needs)
    by_severity = sorted(findings, key=lambda each: each.severity)  # "error" before "warning"; stable
    return Report(findings=tuple(by_severity), hosts=len(everyone), seconds=time.monotonic() - start)


def _judged(
    nodes: Sequence[Node], jump: Node | None, known: dict[str, Answer], needs: Needs
) -> list[Finding]:
    facts = {name: answer.facts for name, answer in known.items()}
    findings = [
        finding for node in nodes if node.name in facts for finding in judge(node, facts[node.name], needs)
    ]
    if jump and jump.name in facts:
        findings += judge_jump(jump, facts[jump.name], forks(len(nodes), os.cpu_count() or 1))
    findings += judge_clocks({name: answer.clock for name, answer in known.items()})
    findings += judge_silences(facts)
    return findings


def _ask(ssh: Shell, node: Node, needs: Needs, calls: Sequence[Contact], deadline: float) -> Answer | Finding:
    """What a host says, or why it says nothing."""
    limit = min(LIMIT, deadline - time.monotonic())
    if limit <= 0:
        said = f"it was not asked: the checks end after {BOUND:.0f} s"
        return error(node.name, "ssh", said, "the other findings first; or run it where SSH is faster")
    asked = {
        "names": needs.names,
        "urls": dict(needs.urls),
        "proxy": needs.proxy,
        "calls": [contact.model_dump() for contact in calls],
    }
    begin = time.time()
    try:
        said = ssh.run(node, _script(asked), limit)
    except UnreachableError as problem:
        return error(node.name, "ssh", problem.message, "a running server with its own key, port 22 open")
    except CommandError as problem:
        last = problem.output.strip().rpartition("\n")[2] or problem.message
        right = "Python 3.9 or later, sudo without password"
        return error(node.name, "ssh", f"the checks cannot run: {last}", right)
    facts = Facts.model_validate_json(said)
    return Answer(facts, clock_of(facts, begin, time.time()))


def _script(asked: object) -> str:
    """For a shell: the program with what it is asked before it."""
    source = f"ASKED = {json.dumps(asked)!r}\n{PROGRAM.read_text()}"
    return f"python3 - <<'END-OF-PROGRAM'\n{source}\nEND-OF-PROGRAM\n"
