"""The script that writes the realm, with a command line of Keycloak that only remembers."""

import json
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "charts" / "keycloak-realm" / "files" / "apply.sh"
KCADM = """\
#!/usr/bin/env python3
\"\"\"What kcadm.sh does with a realm, as far as the script asks for it: things by path, in one file.\"\"\"
import csv, json, os, sys

store = os.environ["STORE"]
state = json.load(open(store)) if os.path.exists(store) else {"calls": []}
verb, *rest = sys.argv[1:]
options = {name: rest[rest.index(name) + 1] for name in ("-f", "-q", "-s", "--fields", "-b") if name in rest}
path = rest[0]
state["calls"].append(" ".join([verb, path]))


def content():
    if "-s" in options:
        name, _, value = options["-s"].partition("=")
        return {name: value}
    if "-b" in options:
        return json.loads(options["-b"])
    return json.loads(sys.stdin.read() if options["-f"] == "-" else open(options["-f"]).read())


code = 0
if verb == "create":
    new = content()
    if path == "realms":
        state["realms/" + new["realm"]] = new
    elif path == "roles":
        state["roles/" + new["name"]] = new
    else:
        key = f"id-{len(state)}"
        state.setdefault(path, {})[key] = new
elif verb == "update":
    kind, _, key = path.rpartition("/")
    if kind in state and key in state[kind]:
        state[kind][key] = content()
    else:
        state[path] = content()
elif verb == "get" and path in ("clients", "groups", "client-scopes", "components"):
    wanted = options["--fields"].split(",")[1]
    for key, each in state.get(path, {}).items():
        print(f"{key},{each[wanted]}")
elif verb == "get":
    code = 0 if path in state else 1
json.dump(state, open(store, "w"))
sys.exit(code)
"""
CLIENT = {"clientId": "harbor", "secret": "@secret@", "redirectUris": ["https://harbor/c/oidc/callback"]}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in {
        "kcadm": KCADM,
        "config/realm.json": json.dumps({"realm": "platform", "enabled": True}),
        "config/profile.json": "{}",
        "config/scope-groups.json": json.dumps({"name": "groups"}),
        "config/client-harbor.json": json.dumps(CLIENT),
        "config/client-argo-cd.json": json.dumps({"clientId": "argo-cd"}),
        "secrets/admin-username": "admin",
        "secrets/admin-password": "correct horse",
        "secrets/client-harbor": 'planted "canary" \\ &',
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / "kcadm").chmod(0o755)
    return tmp_path


def apply(place: Path) -> tuple[str, dict[str, object]]:
    env = {
        "PATH": os.environ["PATH"],
        "KCADM": str(place / "kcadm"),
        "CONFIG": str(place / "config"),
        "SECRETS": str(place / "secrets"),
        "STORE": str(place / "store.json"),
        "SERVER": "http://keycloak",
        "REALM": "platform",
        "GROUPS_OF_PEOPLE": "platform-admins platform-users",
    }
    done = subprocess.run(
        ["bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    state: dict[str, object] = json.loads((place / "store.json").read_text())
    return done.stdout + done.stderr, state


def named(state: dict[str, object], path: str, field: str) -> list[str]:
    found = state[path]
    assert isinstance(found, dict)
    return sorted(each[field] for each in found.values())


def test_a_realm_that_is_not_there_is_made(place: Path):
    said, state = apply(place)
    assert "clients harbor: made" in said
    assert named(state, "clients", "clientId") == ["argo-cd", "harbor"]
    assert named(state, "groups", "name") == ["platform-admins", "platform-users"]
    assert state["users/profile"] == {}


def test_run_again_it_makes_nothing_twice(place: Path):
    _, first = apply(place)
    said, second = apply(place)
    assert "clients harbor: set" in said
    assert "made" not in said
    for path in ("clients", "groups", "client-scopes"):
        assert second[path] == first[path]


def test_what_somebody_has_changed_is_set_back(place: Path):
    apply(place)
    changed = {**CLIENT, "redirectUris": ["https://elsewhere"]}
    (place / "config" / "client-harbor.json").write_text(json.dumps(changed))
    apply(place)
    (place / "config" / "client-harbor.json").write_text(json.dumps(CLIENT))
    _, state = apply(place)
    assert named(state, "clients", "clientId") == ["argo-cd", "harbor"]
    assert "elsewhere" not in json.dumps(state["clients"])


def test_a_clients_secret_reaches_keycloak_as_it_is_and_is_never_said(place: Path):
    said, state = apply(place)
    clients = state["clients"]
    assert isinstance(clients, dict)
    assert [each["secret"] for each in clients.values() if "secret" in each] == ['planted "canary" \\ &']
    assert "canary" not in said
    assert "correct horse" not in said
