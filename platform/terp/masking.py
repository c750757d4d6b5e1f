"""Secrets never reach a log: whatever a line is made of, they are struck out of it.

Pulumi masks only the secrets of its configuration in what a provider says.
"""

import base64
import json
import re
from collections.abc import Iterable

STRUCK = "[secret]"
SHORTEST = 6
"""Characters: a shorter value would strike out ordinary words."""


class Mask:
    """Strikes out secrets, each of their lines, and the forms that these have in base64 and JSON."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Strike out these from now on."""
        for secret in secrets:
            for part in (secret, *secret.splitlines()):
                form = part.strip()
                if len(form) >= SHORTEST and not form.startswith("-----"):
                    self._known |= {form, base64.b64encode(form.encode()).decode()}
                    self._known |= {json.dumps(form, ensure_ascii=plain)[1:-1] for plain in (True, False)}
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(STRUCK, text) if self._pattern else text
