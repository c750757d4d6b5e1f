"""A plan as it is shown, handed to machines, and saved to be carried out later as it was seen."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from terp.environment.reference import SCHEMA_ADDRESS, closed
from terp.errors import TerpError
from terp.gitops.resource import PLATFORM, applications_of, changes
from terp.kubernetes.plan.told import ToldRun
from terp.model import Model
from terp.policy.finding import Finding
from terp.policy.judgement import judge
from terp.policy.plan import Operation, Plan, plan_of_events
from terp.policy.radius import Radius, radius
from terp.preflight import Report
from terp.stack.events import Changes, readable_urn
from terp.stack.workspace import Workspace


class PlannedStep(Model):
    """What would become of one resource."""

    operation: Operation = Field(description="What would be done.")
    urn: str = Field(description="Pulumi's name of it.")
    resource: str = Field(description="What people call it.")
    differ: tuple[str, ...] = Field(description="Properties that differ.")
    forced_by: tuple[str, ...] = Field(description="Properties for whose sake it is replaced.")


class Planned(Model):
    """What an `up` would do on every layer, and what stands against it. No secret is in it."""

    stack: str = Field(description="The environment.")
    file: str = Field(description="SHA-256 of the stack's file.")
    options: tuple[str, ...] = Field(description="Further options of pulumi that the plan was made with.")
    raised: bool = Field(description="Whether the environment was ever led to its end.")
    steps: tuple[PlannedStep, ...] = Field(description="Resources that would change.")
    same: int = Field(description="How many resources would stay as they are.")
    runs: tuple[ToldRun, ...] = Field(description="Runs on the cluster, in order.")
    applications: tuple[str, ...] = Field(description="Applications that would come, change and go.")
    notes: tuple[str, ...] = Field(description="What cluster and platform said beside that.")
    radius: Radius = Field(description="What is lost or interrupted.")
    findings: tuple[Finding, ...] = Field(description="What the gate's rules object to.")
    preflight: Report | None = Field(description="What stands between environment and cloud, and the quota.")

    @property
    def allowed(self) -> tuple[str, ...]:
        """The overrides that it was made with."""
        return tuple(finding.override for finding in self.findings if finding.standing == "allowed")

    def differences(self, now: "Planned") -> Iterator[str]:
        """What is otherwise in a later plan of the same; how long runs take is no difference."""
        if self.file != now.file:
            yield "the stack's file was edited"
        for what, before, after in (
            ("step", _steps(self), _steps(now)),
            ("run", _runs(self), _runs(now)),
            ("Application", set(self.applications), set(now.applications)),
            ("finding", _findings(self), _findings(now)),
        ):
            yield from (f"no longer planned, {what}: {each}" for each in sorted(before - after))
            yield from (f"not planned then, {what}: {each}" for each in sorted(after - before))


def planned(
    workspace: Workspace,
    changes: Changes,
    *,
    raised: bool,
    options: Sequence[str],
    allow: Collection[str],
    report: Report | None = None,
) -> Planned:
    """The plan that a preview amounts to, judged."""
    plan = plan_of_events(changes.events, raised=raised)
    told = [(note, ToldRun.read(note)) for note in changes.notes]
    runs = tuple(run for _, run in told if run)
    applications = tuple(_applications(plan))
    return Planned(
        stack=workspace.stack,
        file=hashlib.sha256(workspace.stack_file.read_bytes()).hexdigest(),
        options=tuple(options),
        raised=raised,
        steps=tuple(
            PlannedStep(
                operation=step.operation,
                urn=step.urn,
                resource=readable_urn(step.urn),
                differ=step.differ,
                forced_by=step.forced_by,
            )
            for step in plan.changes
        ),
        same=len(plan.steps) - len(plan.changes),
        runs=runs,
        applications=applications,
        notes=tuple(note for note, run in told if not run and note not in applications),
        radius=radius(plan, runs),
        findings=judge(plan, workspace.environment, allow, workspace.config),
        preflight=report,
    )


def read_planned(file: Path) -> Planned:
    """A plan that was saved.

    Raises:
        TerpError: there is none in that file (exit code 2).
    """
    hint = "make one: terp plan <stack> --out plan.json"
    try:
        saved = json.loads(file.read_bytes())
        return Planned.model_validate(saved | {"preflight": None})  # the cloud is looked at anew
    except OSError as error:
        raise TerpError(f"{file}: {error.strerror}", hint=hint, exit_code=2) from error
    except (ValueError, TypeError) as error:
        said = _first(error) if isinstance(error, ValidationError) else "no such JSON"
        raise TerpError(
            f"{file} is not a saved plan of this version: {said}", hint=hint, exit_code=2
        ) from error


def published_schema() -> str:
    """What `docs/plan.schema.json` holds."""
    schema = {"$schema": SCHEMA_ADDRESS, **Planned.model_json_schema(mode="serialization")}
    return json.dumps(closed(schema), indent=2, ensure_ascii=False) + "\n"


def _first(error: ValidationError) -> str:
    """The first thing that is wrong."""
    found = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def _applications(plan: Plan) -> Iterator[str]:
    for step in plan.of(PLATFORM):
        yield from changes(applications_of(dict(step.was)), applications_of(dict(step.becomes)))


def _steps(plan: Planned) -> set[str]:
    return {f"{step.operation} {step.resource} {' '.join(step.differ)}".rstrip() for step in plan.steps}


def _runs(plan: Planned) -> set[str]:
    return {str(run.model_copy(update={"estimate": ""})) for run in plan.runs}


def _findings(plan: Planned) -> set[str]:
    return {f"{finding.override} ({finding.standing})" for finding in plan.findings}
