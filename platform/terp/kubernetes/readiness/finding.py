"""One thing that a check of the hosts has to say, and all of them together."""

from typing import Literal

from terp.errors import TerpError
from terp.model import Model

Severity = Literal["error", "warning"]


class Finding(Model):
    """What is wrong on a host, and what would be right. An error stops a run before it changes anything."""

    host: str
    check: str
    severity: Severity
    message: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.host}: {self.check}\n  {self.message}\n  {self.suggestion}"


class Report(Model):
    """All findings at once, errors first; how many `hosts` were asked, and the seconds that it took."""

    findings: tuple[Finding, ...]
    hosts: int
    seconds: float

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops a run."""
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
        if self.errors:
            count = "one problem" if len(self.errors) == 1 else f"{len(self.errors)} problems"
            blocks = "\n\n".join(map(str, self.errors))
            raise TerpError(f"{count} with the hosts; nothing was changed\n\n{blocks}", exit_code=2)


def error(host: str, check: str, message: str, suggestion: str) -> Finding:
    """Something that makes a run fail, or its cluster."""
    return Finding(host=host, check=check, severity="error", message=message, suggestion=suggestion)


def warning(host: str, check: str, message: str, suggestion: str) -> Finding:
    """Something that works, though not for long or not well."""
    return Finding(host=host, check=check, severity="warning", message=message, suggestion=suggestion)
