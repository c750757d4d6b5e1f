"""What a drill came to: what was recovered in which time, and what is promised."""

from collections.abc import Iterator
from pathlib import Path

from terp.environment.recovery import Objectives
from terp.model import Model
from terp.progress import readable
from terp.recovery.chart import chart
from terp.recovery.rebuild import Phase
from terp.recovery.seeds import Seed
from terp.smoke.model import SmokeReport


class Drilled(Model):
    """A recovery. `rto` and `rpo` are the seconds that it took, and those whose data was lost."""

    set: str
    phases: tuple[Phase, ...]
    rto: float
    rpo: float
    seeds: tuple[Seed, ...]

    def missed(self, objectives: Objectives) -> Iterator[str]:
        """The objectives that were missed."""
        for name, seconds, promised in (
            ("RTO", self.rto, objectives.rto),
            ("RPO", self.rpo, objectives.rpo),
        ):
            if promised is not None and seconds > promised * 60:
                yield f"{name}: {readable(seconds)}, and {readable(promised * 60)} are promised"


class DrillReport(SmokeReport):
    """A whole drill; `drilled` is None when the environment did not stand again."""

    drilled: Drilled | None = None


def keep(report: DrillReport, history: Path) -> tuple[Path, ...]:
    """Keep a drill beside earlier ones, and a chart of what was recovered."""
    history.mkdir(parents=True, exist_ok=True)
    file = history / f"{report.began:%Y%m%dT%H%M%SZ}.json"
    file.write_text(report.model_dump_json(indent=1) + "\n")
    if report.drilled is None:
        return (file,)
    drilled, picture = report.drilled, file.with_suffix(".svg")
    picture.write_text(chart(f"recovered in {readable(drilled.rto)}", drilled.phases))
    return (file, picture)
