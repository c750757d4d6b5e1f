"""The fault rules as one process sees them: read again when changed, with the counts of this process."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from terp.cloud.faults import FILE, Fault, read_faults


class FaultRules:
    """Says whether a rule fires now. Safe for threads."""

    def __init__(self, root: Path) -> None:
        self._file = root / FILE
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._rules: list[Fault] = []
        self._met: Counter[int] = Counter()
        self._fired: Counter[int] = Counter()

    def fire(self, meets: Callable[[Fault], bool]) -> Fault | None:
        """The first rule that is met and fires; None is the normal case."""
        with self._lock:
            self._refresh()
            for number, rule in enumerate(self._rules):
                if meets(rule) and self._counts(number, rule):
                    return rule
        return None

    def _counts(self, number: int, rule: Fault) -> bool:
        self._met[number] += 1
        if rule.nth is not None and self._met[number] != rule.nth:
            return False
        if rule.times is not None and self._fired[number] >= rule.times:
            return False
        if random.random() >= rule.rate:  # noqa: S311 - chance, not a secret
            return False
        self._fired[number] += 1
        return True

    def _refresh(self) -> None:
        try:
            found = self._file.stat()
            version = (found.st_mtime_ns, found.st_ino)
        except FileNotFoundError:
            version = None
        if version != self._version:
            self._version, self._rules = version, read_faults(self._file)
            self._met.clear()
            self._fired.clear()
