"""Faults on purpose: rules that the running services read, off while there are none.

A rule of kind "api" meets HTTP requests; "boot" makes a server's start fail; "attach" refuses a volume.
"""

import json
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from terp.cloud.state import APIS, State
from terp.model import Model

FILE = "faults.json"


class Fault(Model):
    """One rule: what it meets, how often it fires, what it does.

    A fault of kind "api" with neither `status` nor `drop` only delays. The counting starts anew whenever the
    rules are changed.
    """

    kind: Literal["api", "boot", "attach"] = "api"
    service: str | None = Field(None, description="API that it meets; all when absent", examples=["nova"])
    method: str | None = Field(None, description="HTTP method; all when absent", examples=["POST"])
    path: str | None = Field(None, description="regular expression found in the path", examples=["/servers$"])
    name: str | None = Field(None, description="kinds boot, attach: expression found in the server's name")
    status: int | None = Field(None, ge=400, le=599, description="answer with this HTTP status")
    retry_after: int | None = Field(None, ge=0, description="Retry-After header, seconds")
    delay: float = Field(0, ge=0, le=600, description="seconds before anything else")
    drop: bool = Field(False, description="close the connection without an answer")
    lost: bool = Field(False, description="do what was asked first, then fail: a lost reply")
    rate: float = Field(1, gt=0, le=1, description="fraction of the calls that it meets")
    nth: int | None = Field(None, ge=1, description="only the n-th call that it meets")
    times: int | None = Field(None, ge=1, description="stop after this many")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.service is not None and self.service not in APIS:
            raise ValueError(f"service {self.service!r} is none of {', '.join(APIS)}")
        if self.status and self.drop:
            raise ValueError("either status or drop: a dropped connection has no status")
        if self.lost and not (self.status or self.drop):
            raise ValueError("lost needs the status, or drop, that is seen instead of the answer")
        for expression in (self.path, self.name):
            try:
                re.compile(expression or "")
            except re.error as error:
                raise ValueError(f"{expression!r} is no regular expression: {error}") from error
        return self

    def meets_request(self, service: str, method: str, path: str) -> bool:
        """It is about this request."""
        return (
            self.kind == "api"
            and self.service in (None, service)
            and self.method in (None, method)
            and (self.path is None or re.search(self.path, path) is not None)
        )

    def meets_server(self, kind: str, name: str) -> bool:
        """It is about this step of this server's life."""
        return self.kind == kind and (self.name is None or re.search(self.name, name) is not None)


def read_faults(file: Path) -> list[Fault]:
    """The rules in force; none when there is no file."""
    try:
        return [Fault.model_validate(each) for each in json.loads(file.read_text())]
    except FileNotFoundError:
        return []


def set_faults(state: State, faults: list[Fault]) -> None:
    """Put these rules in force, at once; an empty list ends all faults."""
    if faults:
        state.write_private(FILE, json.dumps([each.model_dump(exclude_defaults=True) for each in faults]))
    else:
        state.path(FILE).unlink(missing_ok=True)
