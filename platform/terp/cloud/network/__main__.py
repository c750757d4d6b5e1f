"""`python -m terp.cloud.network <state root>`: the data plane of the cloud in that directory."""

import logging
import sys
import time
from pathlib import Path

import structlog

from terp.cloud.network.neutron import UNREACHABLE, Neutron
from terp.cloud.network.reconcile import FAILURES, Outcome, Reconciler
from terp.cloud.place import Place

PAUSE = 0.25
"""Seconds between two looks at Neutron's database."""

log = structlog.get_logger()


def main() -> None:
    """Run for the state root that the command line names."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    root = Path(sys.argv[1])
    place = Place.model_validate_json((root / "place.json").read_bytes())
    run(place, Neutron(root / "run/mysql.sock", (root / "secrets/database").read_text().strip()))


def run(place: Place, neutron: Neutron) -> None:
    """Follow Neutron until the process is ended; a database that is away is waited for."""
    reconciler, story, seen = Reconciler(place), Story(), ""
    story.tell(reconciler.prepare())
    log.info("data plane is ready", tag=place.tag)
    while True:
        try:
            current = neutron.fingerprint()
            if current != seen:
                story.tell(reconciler.follow(neutron.read()))
                seen = current
            story.database("")
        except UNREACHABLE as error:
            story.database(str(error))
        except FAILURES as error:
            story.tell(Outcome(failed={"what Neutron says": str(error)}))
        story.tell(reconciler.keep())
        time.sleep(PAUSE)


class Story:
    """The log: what was changed, and each failure once."""

    def __init__(self) -> None:
        self._failed: dict[str, str] = {}
        self._away = False

    def tell(self, outcome: Outcome | None) -> None:
        """Log what one pass did."""
        if outcome is None:
            return
        for part, message in outcome.failed.items():
            if self._failed.get(part) != message:
                log.error("failed, will be tried again", part=part, error=message)
        for part in self._failed.keys() - outcome.failed.keys():
            log.info("works again", part=part)
        self._failed = outcome.failed
        if outcome.changed:
            log.info("changed", parts=outcome.changed, milliseconds=round(outcome.seconds * 1000))

    def database(self, error: str) -> None:
        """Log when the database goes away, and when it comes back."""
        if error and not self._away:
            log.warning("Neutron's database is away", error=error)
        elif self._away and not error:
            log.info("Neutron's database is back")
        self._away = bool(error)


if __name__ == "__main__":
    main()
