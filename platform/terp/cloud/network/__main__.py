"""`python -m terp.cloud.network <state root>`: the data plane of the cloud in that directory."""

import logging
import sys
import time
from pathlib import Path

import structlog

from terp.cloud.network.neutron import UNREACHABLE, Neutron
from terp.cloud.network.reconcile import Outcome, Reconciler
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
    reconciler, seen, away = Reconciler(place), "", False
    reconciler.prepare()
    log.info("data plane is ready", tag=place.tag)
    while True:
        try:
            current = neutron.fingerprint()
            outcome = reconciler.follow(neutron.read()) if current != seen else reconciler.keep()
            seen, away = current, False
        except UNREACHABLE as error:
            if not away:
                log.warning("Neutron's database is away", error=str(error))
            away, outcome = True, reconciler.keep()
        if outcome:
            _tell(outcome)
        time.sleep(PAUSE)


def _tell(outcome: Outcome) -> None:
    for part, message in outcome.failed.items():
        log.error("failed, will be tried again", part=part, error=message)
    if outcome.changed:
        log.info("changed", parts=outcome.changed, milliseconds=round(outcome.seconds * 1000))


if __name__ == "__main__":
    main()
