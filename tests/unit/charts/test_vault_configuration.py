"""The program of `charts/vault-configuration`, against a server that keeps what it is told.

With TERP_BAO, the path of OpenBao's program, also against a real one. Without it that test is skipped, and
nothing of it was seen with a real server.
"""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

CHART = Path(__file__).parents[3] / "charts" / "vault-configuration"
WANTED = [{"path": "platform/harbor/harbor-core", "keys": ["secret", "other"]}]
ROOT = "canary-root-token"
UNSEAL = "canary-unseal-key"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Loaded from the chart, as it is."""
    spec = importlib.util.spec_from_file_location("configure", CHART / "files" / "configure.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["configure"] = module
    spec.loader.exec_module(module)
    return module


class Fake(BaseHTTPRequestHandler):
    """Vault and the API of Kubernetes in one, as far as they are asked."""

    kept: ClassVar[dict[str, object]] = {}
    secrets: ClassVar[dict[str, tuple[int, dict[str, str]]]] = {}
    kubernetes: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[tuple[str, str]]] = []
    state: ClassVar[dict[str, bool]] = {}
    rivals: ClassVar[list[dict[str, str]]] = []
    """What others write, each just before a write of ours."""

    def _take(self) -> None:
        path = self.path.removeprefix("/v1/").partition("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.asked.append((self.command, path))
        status, found = self._answer(path, body)
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = _take  # noqa: N815 (names of the library)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
        """Quiet."""

    def _answer(self, path: str, body: dict[str, object]) -> tuple[int, object]:
        if "namespaces/" in path:
            return self._secret_of_kubernetes(path, body)
        if path.startswith("secret/data/"):
            return self._kv(path.removeprefix("secret/data/"), body)
        if path == "sys/init":
            if self.command == "PUT":
                self.state["initialized"] = True
                return 200, {"keys_base64": [UNSEAL], "root_token": ROOT}
            return 200, {"initialized": self.state.get("initialized", False)}
        if path == "sys/seal-status":
            return 200, {"sealed": False, "type": "shamir"}
        if path == "auth/kubernetes/login":
            if f"auth/kubernetes/role/{body['role']}" in self.kept:
                return 200, {"auth": {"client_token": "of-the-account"}}
            return 400, {"errors": ["invalid role name"]}
        return self._plain(path, body)

    def _plain(self, path: str, body: dict[str, object]) -> tuple[int, object]:
        if self.command == "GET":
            below = {f"{key.removeprefix(path + '/')}/": value for key, value in self.kept.items()}
            if path in ("sys/auth", "sys/mounts", "sys/audit"):
                return 200, below
            if path.endswith("/issuers"):
                made = ("root/generate", "intermediate/set-signed")
                there = any(
                    key.startswith(path.partition("/")[0] + "/") and any(m in key for m in made)
                    for key in self.kept
                )
                return (200, {"data": {"keys": ["one"]}}) if there else (404, {"errors": []})
            if path.endswith("cert/ca"):
                return 200, {"data": {"certificate": "root"}}
            return (
                (200, {})
                if path in self.kept or path in ("sys/leader", "secret/config")
                else (404, {"errors": []})
            )
        self.kept[path] = body
        return 200, {"data": {"csr": "request", "certificate": "signed"}}

    def _kv(self, path: str, body: dict[str, object]) -> tuple[int, object]:
        version, values = self.secrets.get(path, (0, {}))
        if self.command == "GET":
            found = {"data": {"data": values, "metadata": {"version": version}}}
            return (200, found) if version else (404, {"errors": []})
        if self.rivals:
            version, values = version + 1, {**values, **self.rivals.pop()}
            self.secrets[path] = version, values
        if body["options"] != {"cas": version}:
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        new = body["data"]
        assert isinstance(new, dict)
        self.secrets[path] = version + 1, new
        return 200, {}

    def _secret_of_kubernetes(self, path: str, body: dict[str, object]) -> tuple[int, object]:
        if self.command == "POST":
            self.state["secret"] = True
        elif not self.state.get("secret"):
            return 404, {"message": "not found"}
        elif self.command == "PATCH":
            data = body["data"]
            assert isinstance(data, dict)
            for key, value in data.items():
                self.kubernetes.pop(key, None) if value is None else self.kubernetes.update({key: value})
        return 200, {"data": self.kubernetes}


@pytest.fixture
def address() -> Iterator[str]:
    for each in (Fake.kept, Fake.secrets, Fake.kubernetes, Fake.asked, Fake.state, Fake.rivals):
        each.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def configured(program: ModuleType, address: str) -> None:
    """One run of the whole."""
    vault = program.Server(address, "X-Vault-Token", None)
    keeper = program.Keeper(program.Server(address, "Authorization", None), "vault", "vault-init")
    roles = [
        {"name": name, "account": name, "namespace": "vault", "policy": "administrators"}
        for name in ("vault-configuration", "external-secrets")
    ]
    wanted = {
        "shares": 1,
        "threshold": 1,
        "domain": "ml.example.org",
        "transit": ["minio"],
        "forms": {},
        "generated": WANTED,
        "roles": roles,
    }
    program.configure(vault, keeper, wanted, CHART / "files" / "policies", "token-of-the-account")


def test_a_new_server_is_initialised_and_configured(program: ModuleType, address: str):
    configured(program, address)
    assert list(Fake.kubernetes) == ["unseal-key"]  # the root token is gone
    assert ("POST", "auth/token/revoke-self") in Fake.asked
    for path in ("sys/mounts/secret", "sys/mounts/pki", "sys/audit/stdout", "transit/keys/minio"):
        assert path in Fake.kept
    assert {file.stem for file in (CHART / "files" / "policies").glob("*.hcl")} == {
        path.rpartition("/")[2] for path in Fake.kept if path.startswith("sys/policies/acl/")
    }


def test_a_second_run_makes_nothing_again(program: ModuleType, address: str):
    configured(program, address)
    made, authorities = dict(Fake.secrets), [path for path in Fake.asked if "generate" in path[1]]
    Fake.asked.clear()
    configured(program, address)
    assert Fake.secrets == made
    assert authorities
    assert not [path for _, path in Fake.asked if "generate" in path or path.startswith("sys/mounts/")]
    assert ("PUT", "sys/init") not in Fake.asked


def test_the_first_key_is_kept_before_anything_else_is_done(program: ModuleType, address: str):
    configured(program, address)
    after = Fake.asked[Fake.asked.index(("PUT", "sys/init")) + 1]
    assert after[0] == "PATCH"
    assert after[1].endswith("secrets/vault-init")


def test_no_secret_is_told(program: ModuleType, address: str, capsys: pytest.CaptureFixture[str]):
    configured(program, address)
    said = "".join(capsys.readouterr())
    values = [value for _, each in Fake.secrets.values() for value in each.values()]
    assert "platform/harbor/harbor-core: made secret, other" in said
    assert not [secret for secret in (ROOT, UNSEAL, "token-of-the-account", *values) if secret in said]


def test_only_missing_keys_are_made(program: ModuleType, address: str):
    Fake.secrets["platform/harbor/harbor-core"] = (3, {"secret": "of-a-person"})
    program.generate(program.Server(address, "X-Vault-Token", None), WANTED, {})
    version, values = Fake.secrets["platform/harbor/harbor-core"]
    assert version == 4
    assert values["secret"] == "of-a-person"
    assert re.fullmatch(r"[A-Za-z0-9]{32}", values["other"])


def test_who_is_faster_wins(program: ModuleType, address: str):
    Fake.rivals.append({"secret": "of-the-rival"})
    program.generate(program.Server(address, "X-Vault-Token", None), WANTED, {})
    _, values = Fake.secrets["platform/harbor/harbor-core"]
    assert values["secret"] == "of-the-rival"
    assert values["other"]


def test_values_have_the_form_that_is_asked(program: ModuleType, address: str):
    forms = {
        "platform/harbor/harbor-core/secret": {"length": 16},
        "platform/harbor/harbor-core/other": {"bytes": 32},
    }
    program.generate(program.Server(address, "X-Vault-Token", None), WANTED, forms)
    _, values = Fake.secrets["platform/harbor/harbor-core"]
    assert len(values["secret"]) == 16
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", values["other"])


def test_waiting_ends(program: ModuleType):
    with pytest.raises(TimeoutError, match="a miracle: not within 0 s"):
        program.until(lambda: False, "a miracle", 0, pause=lambda _: None)


@pytest.mark.skipif(
    "TERP_BAO" not in os.environ, reason="TERP_BAO, the path of OpenBao's program, is not given"
)
def test_a_real_server_takes_it(program: ModuleType, tmp_path: Path):
    """Without Kubernetes to log in by: each part, twice, as the root of a server in memory."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        os.environ["TERP_BAO"],
        "server",
        "-dev",
        f"-dev-listen-address=127.0.0.1:{port}",
        "-dev-no-store-token",
    ]
    env = {"BAO_DEV_ROOT_TOKEN_ID": ROOT, "HOME": str(tmp_path)}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=env) as server,
    ):
        try:
            vault = program.Server(f"http://127.0.0.1:{port}", "X-Vault-Token", None)
            program.until(lambda: program.unsealed(vault), "the server", 30, lambda _: time.sleep(0.2))
            vault.token = ROOT
            role = {"name": "r", "account": "a", "namespace": "n", "policy": "administrators"}
            for _ in range(2):
                program.policies(vault, CHART / "files" / "policies")
                program.accounts(vault, [role])
                program.mount(vault, "mounts", "secret", "kv", {"options": {"version": "2"}})
                program.authorities(vault, "ml.example.org")
                program.transit(vault, ["minio"])
                program.generate(vault, WANTED, {})
            values, version = program.newest(vault, WANTED[0]["path"])
            assert version == 1
            assert set(values) == {"secret", "other"}
            vault.call("DELETE", f"v1/secret/data/{WANTED[0]['path']}")
            program.generate(vault, WANTED, {})
            assert program.newest(vault, WANTED[0]["path"])[1] == 2
        finally:
            server.terminate()
