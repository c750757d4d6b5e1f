"""Bring Harbor to what its configuration says, as often as one likes; never take away.

Runs with what Python has alone. Secrets come from files and go into request bodies, not to command lines
and not to the log.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NotRequired, TypeAlias, TypedDict, cast
from urllib.parse import urlencode

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
Fields: TypeAlias = "dict[str, Json]"
SECRETS = Path("/secrets")
NODES = "nodes"
"""The robot that reads images of all projects."""
EVERY_PROJECT = "*"
AUDIT = "audit_log_forward_endpoint"


class Cache(TypedDict):
    """A registry outside, whose images a project holds."""

    type: str
    url: str


class Project(TypedDict):
    """A project, and what it is a cache of, if it is one."""

    name: str
    cache: NotRequired[Cache]


class Wanted(TypedDict):
    """What the chart says."""

    server: str
    issuer: str
    audit: str
    administrators: str
    projects: list[Project]
    tenants: list[str]
    keep: int
    days: int
    scan: str
    collect: str


class Harbor:
    """Its API, as the administrator."""

    def __init__(self, server: str, password: str) -> None:
        self._server = server.rstrip("/")
        self._proof = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()

    def call(self, method: str, path: str, body: Mapping[str, Json] | None = None) -> Json:
        """Raises HTTPError for an answer that is no success, OSError for none."""
        url = f"{self._server}/api/v2.0/{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": self._proof}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 (the chart's address)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            found: Json = json.loads(answer.read() or b"null")
            return found

    def named(self, path: str, name: str) -> Fields | None:
        """The one of a list that has this name."""
        query = urlencode({"q": f"name={name}", "page_size": 100})
        found = cast("list[Fields]", self.call("GET", f"{path}?{query}") or [])
        return next((each for each in found if each["name"] == name), None)


def say(text: str) -> None:
    """To the log, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def login(harbor: Harbor, wanted: Wanted, secret: str) -> None:
    """People come from the identity provider; only administrators make projects."""
    harbor.call(
        "PUT",
        "configurations",
        {
            "auth_mode": "oidc_auth",
            "oidc_name": "platform",
            "oidc_endpoint": wanted["issuer"],
            "oidc_client_id": "harbor",
            "oidc_client_secret": secret,
            "oidc_scope": "openid,profile,email,groups",
            "oidc_groups_claim": "groups",
            "oidc_admin_group": wanted["administrators"],
            "oidc_auto_onboard": True,
            "oidc_user_claim": "preferred_username",
            "oidc_verify_cert": True,
            "project_creation_restriction": "adminonly",
        },
    )
    say(f"login by {wanted['issuer']}")


def audit(harbor: Harbor, endpoint: str) -> None:
    """Harbor keeps an endpoint that it has refused (v2.15, controller/config), so it is taken back then."""
    try:
        harbor.call("PUT", "configurations", {AUDIT: endpoint})
        say(f"audit log to {endpoint}")
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.BAD_REQUEST:
            raise
        harbor.call("PUT", "configurations", {AUDIT: ""})
        say(f"audit log in the database alone: {endpoint} does not answer")


def project(harbor: Harbor, wanted: Project) -> None:
    """With its registry, if it is a cache; images that are pushed are scanned."""
    name, cache = wanted["name"], wanted.get("cache")
    registry = _registry(harbor, name, cache) if cache else None
    if harbor.named("projects", name) is None:
        metadata: Fields = {"public": "true" if cache else "false", "auto_scan": "true"}
        body: Fields = {"project_name": name, "metadata": metadata}
        if registry is not None:
            body["registry_id"] = registry
        harbor.call("POST", "projects", body)
        say(f"project {name}")


def _of(tenants: Sequence[str]) -> list[Project]:
    return [{"name": each} for each in tenants]


def _registry(harbor: Harbor, name: str, cache: Cache) -> Json:
    if harbor.named("registries", name) is None:
        harbor.call("POST", "registries", {"name": name, "type": cache["type"], "url": cache["url"]})
    found = harbor.named("registries", name)
    if found is None:
        raise LookupError(f"registry {name} is not there after it was made")
    return found["id"]


def retention(harbor: Harbor, name: str, keep: int, days: int) -> None:
    """Once: what people change about it stays."""
    found = harbor.named("projects", name)
    if found is None:
        raise LookupError(f"project {name} is not there after it was made")
    if "retention_id" in cast("Fields", found["metadata"]):
        return
    everything = [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}]
    scope = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
    rules: list[Json] = [
        {
            "action": "retain",
            "template": template,
            "params": {template: number},
            "tag_selectors": everything,
            "scope_selectors": scope,
        }
        for template, number in (("latestPushedK", keep), ("nDaysSinceLastPull", days))
    ]
    body: Fields = {
        "algorithm": "or",
        "rules": rules,
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 2 * * 6"}},
        "scope": {"level": "project", "ref": found["project_id"]},
    }
    harbor.call("POST", "retentions", body)
    say(f"retention of {name}")


def robot(harbor: Harbor, name: str, of: str, actions: Sequence[str], secret: str) -> None:
    """It does this with images of one project, or of every one, and nothing else."""
    if (found := _robot(harbor, name)) is None:
        access: list[Json] = [{"resource": "repository", "action": each} for each in actions]
        body: Fields = {
            "name": name,
            "description": "Made by harbor-configuration",
            "level": "system",
            "duration": -1,
            "permissions": [{"kind": "project", "namespace": of, "access": access}],
        }
        harbor.call("POST", "robots", body)
        say(f"robot {name}")
        found = _robot(harbor, name)
    if found is None:
        raise LookupError(f"robot {name} is not there after it was made")
    harbor.call("PATCH", f"robots/{found['id']}", {"secret": secret})


def _robot(harbor: Harbor, name: str) -> Fields | None:
    """Robots have a prefix, which administrators may change."""
    query = urlencode({"q": f"name=~{name}", "page_size": 100})
    found = cast("list[Fields]", harbor.call("GET", f"robots?{query}") or [])
    return next((each for each in found if str(each["name"]).endswith(f"${name}")), None)


def schedule(harbor: Harbor, path: str, cron: str) -> None:
    """Make it, or change its time."""
    body: Fields = {"schedule": {"type": "Custom", "cron": cron}}
    there = cast("Fields | None", harbor.call("GET", path))
    method = "PUT" if there and there.get("schedule") else "POST"
    harbor.call(method, path, body)
    say(f"{path}: {cron}")


def until_it_answers(harbor: Harbor, limit: float = 600) -> None:
    """Wait, but not for ever."""
    end = time.monotonic() + limit
    while True:
        try:
            harbor.call("GET", "systeminfo")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(5)
        else:
            return


def main() -> int:
    """The exit code."""
    wanted: Wanted = json.loads(Path("/wanted/wanted.json").read_text())
    harbor = Harbor(wanted["server"], (SECRETS / "admin/HARBOR_ADMIN_PASSWORD").read_text())
    try:
        until_it_answers(harbor)
        audit(harbor, wanted["audit"])
        login(harbor, wanted, (SECRETS / "oidc/client-secret").read_text())
        for each in (*wanted["projects"], *_of(wanted["tenants"])):
            project(harbor, each)
            if "cache" not in each:
                retention(harbor, each["name"], wanted["keep"], wanted["days"])
        robot(harbor, NODES, EVERY_PROJECT, ["pull"], (SECRETS / "robot/secret").read_text())
        for tenant in wanted["tenants"]:
            secret = (SECRETS / "tenants" / tenant).read_text()
            robot(harbor, f"project-{tenant}", tenant, ["pull", "push"], secret)
        schedule(harbor, "system/scanAll/schedule", wanted["scan"])
        schedule(harbor, "system/gc/schedule", wanted["collect"])
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"error: {error.url}: {error.code} {error.read().decode(errors='replace')}\n")
        return 1
    except (OSError, LookupError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
