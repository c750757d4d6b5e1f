"""What preflight found: all of it at once, and the table of the quota."""

from collections.abc import Iterator, Mapping
from typing import Any

from terp.environment import Environment
from terp.environment.quantities import Requests
from terp.errors import TerpError
from terp.model import Model
from terp.preflight import catalogue, collisions, credential, networks, offers, quota, room
from terp.preflight.demand import demand, prices
from terp.preflight.finding import Finding, error, warning
from terp.preflight.quota import Row
from terp.preflight.recorded import recorded
from terp.preflight.snapshot import Failure, Snapshot


class Report(Model):
    """Findings, errors first, and the quota table; empty when the cloud could not be read."""

    stack: str
    findings: tuple[Finding, ...]
    quota: tuple[Row, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops an `up`."""
        return tuple(each for each in self.findings if each.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What does not."""
        return tuple(each for each in self.findings if each.severity == "warning")

    def raise_if_bad(self) -> None:
        """Stop here if there is any error.

        Raises:
            TerpError: all errors at once, exit code 2.
        """
        if not self.errors:
            return
        count = "one problem" if len(self.errors) == 1 else f"{len(self.errors)} problems"
        blocks = "\n\n".join(map(str, self.errors))
        raise TerpError(
            f"{count} with the cloud; nothing was changed\n\n{blocks}",
            hint=f"the whole report, with the quota: terp doctor {self.stack}",
            exit_code=2,
        )


def judge(
    stack: str,
    environment: Environment,
    snapshot: Snapshot,
    state: Mapping[str, Any] | None,
    platform: Requests | None = None,
) -> Report:
    """Everything that is to be said of an environment on a cloud.

    `state` is what `pulumi stack export` prints, None when there is no stack yet; `platform` is what its
    components request, None when there is none.
    """
    cost = prices(snapshot)
    rows = quota.table(
        stack, environment, demand(stack, environment, cost), recorded(state, cost), snapshot.quotas
    )
    project = snapshot.access.project_id if snapshot.access else ""
    findings = (
        *_failures(snapshot.failures),
        *credential.check(snapshot),
        *catalogue.check(environment, snapshot),
        *offers.check(stack, environment, snapshot),
        *networks.check(stack, environment, snapshot),
        *collisions.check(stack, environment, snapshot, state),
        *(room.check(stack, environment, snapshot, platform) if platform else ()),
        *quota.too_large(environment, snapshot),
        *quota.short(rows, project),
    )
    by_severity = sorted(findings, key=lambda each: each.severity)  # "error" before "warning"; stable
    return Report(stack=stack, findings=tuple(by_severity), quota=rows)


def _failures(failures: tuple[Failure, ...]) -> Iterator[Finding]:
    """One finding for all that a service did not tell for the same reason."""
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    for each in failures:
        grouped.setdefault((each.service, each.reason, each.forbidden), []).append(each.what)
    for (service, reason, forbidden), parts in grouped.items():
        what = ", ".join(parts)
        if service == "identity" and parts == ["authentication"]:
            yield error(credential.CLOUD, f"authentication: {reason}", _authentication_hint(reason))
        elif forbidden:
            yield warning(
                credential.CLOUD,
                f"{service}: the credential may not read {what}, so that stays unchecked ({reason})",
                "role: load-balancer_member" if service == "load-balancer" else "",
            )
        else:
            yield error(credential.CLOUD, f"{service}: {what}: {reason}")


def _authentication_hint(reason: str) -> str:
    if reason.startswith("401"):
        return "is the application credential expired or deleted, or its secret another?"
    return "does auth_url in clouds.yaml lead to Keystone, and is a proxy in the way?"
