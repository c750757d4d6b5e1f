"""The gate's judgement on a plan: every finding, what was allowed, and whether an `up` may go on."""

from collections.abc import Collection, Iterable, Iterator

from terp.environment import Environment
from terp.errors import TerpError
from terp.policy.finding import Finding, Objection, Standing
from terp.policy.plan import Plan
from terp.policy.rules import PLAIN_SECRET, RULES
from terp.policy.rules.secrets import plain_secrets


def judge(
    plan: Plan, environment: Environment, allow: Collection[str] = (), config: object = None
) -> tuple[Finding, ...]:
    """What every rule has against a plan, and against the `config` of the stack's file.

    `allow` are overrides; one that fits nothing does nothing. Rules on a plan warn where the environment is
    not protected.
    """
    return (
        *_found(PLAIN_SECRET, plain_secrets(config), allow, "refused"),
        *(
            finding
            for rule in RULES
            for finding in _found(
                rule.id,
                rule.look(plan, environment),
                allow,
                "refused" if environment.protected else "warning",
            )
        ),
    )


def refused(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that stop an `up`."""
    return tuple(finding for finding in findings if finding.standing == "refused")


def refuse(findings: Iterable[Finding]) -> None:
    """Stop here if any rule says no.

    Raises:
        TerpError: with all that they say, and the overrides that would allow it (exit code 2).
    """
    stopping = refused(findings)
    if not stopping:
        return
    count = "one rule objects" if len(stopping) == 1 else f"rules object {len(stopping)} times"
    blocks = "\n\n".join(map(str, stopping))
    options = " ".join(f"--allow {finding.override}" for finding in stopping)
    raise TerpError(
        f"{count} to this plan; nothing was changed\n\n{blocks}",
        hint=f"if all of that is meant, once: {options}",
        exit_code=2,
    )


def _found(
    rule: str, objections: Iterable[Objection], allow: Collection[str], otherwise: Standing
) -> Iterator[Finding]:
    for subject, reason in objections:
        override = f"{rule}:{subject}"
        standing: Standing = "allowed" if override in allow else otherwise
        yield Finding(rule=rule, subject=subject, override=override, reason=reason, standing=standing)
