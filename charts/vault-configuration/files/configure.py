"""Bring Vault or OpenBao to what its configuration says, as often as one likes.

Runs with what Python has alone. It says what it does, and never a secret: these are in files,
memory and request bodies, not on command lines and not in the log.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import ssl
import string
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypedDict, cast

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
Fields: TypeAlias = "dict[str, Json]"

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KUBERNETES = "https://kubernetes.default.svc"
LETTERS = string.ascii_letters + string.digits
MISSING = (400, 404)
"""What both answer of what is not there: 404, and 400 where the engine behind a path is not there."""


class RefusedError(Exception):
    """An answer that is no success; its text is the server's and tells no secret of ours."""

    def __init__(self, status: int, what: str, text: str) -> None:
        super().__init__(f"{what}: {status} {text}")
        self.status = status


class Server:
    """A server that speaks JSON; what it is sent and answers is not logged."""

    def __init__(self, address: str, header: str, authority: Path | None, prefix: str = "") -> None:
        self._address, self._header, self._prefix = address.rstrip("/"), header, prefix
        secure = address.startswith("https://")
        self._context = ssl.create_default_context(cafile=authority) if secure else None
        self.token = ""

    def call(self, method: str, path: str, body: Mapping[str, Json] | None = None, kind: str = "") -> Fields:
        """Raises RefusedError for an answer, OSError for none."""
        request = urllib.request.Request(f"{self._address}/{path}", method=method)  # noqa: S310 (ours)
        request.add_header("Content-Type", kind or "application/json")
        if self.token:
            request.add_header(self._header, f"{self._prefix}{self.token}")
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(  # noqa: S310 (the chart's addresses)
                request, data, timeout=30, context=self._context
            ) as answer:
                found: Fields = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, f"{method} {path}", _reason(error.read())) from None

    def read(self, path: str) -> Fields | None:
        """None if it is not there."""
        try:
            return self.call("GET", path)
        except RefusedError as refused:
            if refused.status in MISSING:
                return None
            raise


def _reason(text: bytes) -> str:
    try:
        found = json.loads(text)
        return "; ".join(map(str, found.get("errors") or [found.get("message", "")]))
    except ValueError:
        return ""


class Role(TypedDict):
    """Which account of the cluster gets which policy."""

    name: str
    account: str
    namespace: str
    policy: str


class Generated(TypedDict):
    """A secret with keys that are made at random, once."""

    path: str
    keys: list[str]


Forms: TypeAlias = Mapping[str, Mapping[str, int]]
"""By path and key, how long a value is; or of how many bytes, in base64."""


class Wanted(TypedDict):
    """What the chart says."""

    server: str
    authority: str
    domain: str
    shares: int
    threshold: int
    transit: list[str]
    forms: Forms
    generated: list[Generated]
    roles: list[Role]


class Login(TypedDict):
    """How people log in: what the chart of vault-login says."""

    server: str
    authority: str
    issuer: str
    issuer_authority: str
    client: str
    secret: str
    group: str
    redirects: list[str]


def say(text: str) -> None:
    """To the log, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Keeper:
    """The Secret in which the keys of the first start are kept."""

    kubernetes: Server
    namespace: str
    name: str

    @property
    def _path(self) -> str:
        return f"api/v1/namespaces/{self.namespace}/secrets/{self.name}"

    def prepare(self) -> None:
        """That it can be written is known before there is anything to lose."""
        if self.kubernetes.read(self._path) is None:
            body: Fields = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.name}}
            self.kubernetes.call("POST", self._path.rpartition("/")[0], body)
        self.keep({})

    def keep(self, values: Mapping[str, str]) -> None:
        """Beside what is in it."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.kubernetes.call("PATCH", self._path, {"data": encoded}, "application/merge-patch+json")

    def read(self, key: str) -> str | None:
        """None if there is no such key."""
        found = mapping((self.kubernetes.read(self._path) or {}).get("data") or {}).get(key)
        return base64.b64decode(str(found)).decode() if found else None

    def forget(self, key: str) -> None:
        """Take it out for ever."""
        self.kubernetes.call("PATCH", self._path, {"data": {key: None}}, "application/merge-patch+json")


def mapping(value: Json) -> Mapping[str, Json]:
    """The value, which is one."""
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping was expected, not {type(value).__name__}")
    return value


def until(
    ready: Callable[[], bool], what: str, limit: float, pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait, but not for ever; a server that does not answer yet is waited for, too."""
    end = time.monotonic() + limit
    while True:
        try:
            if ready():
                return
            said = ""
        except OSError as error:
            said = f": {error}"
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit:.0f} s{said}")
        pause(2)


def initialise(vault: Server, keeper: Keeper, shares: int, threshold: int) -> None:
    """The first start, once. Its keys are kept before anything else is done.

    With a seal of its own it has recovery keys, else keys that unseal it.
    """
    until(lambda: bool(vault.call("GET", "v1/sys/init")) or True, "an answer of the server", 600)
    if vault.call("GET", "v1/sys/init")["initialized"]:
        return
    keeper.prepare()
    by_itself = vault.call("GET", "v1/sys/seal-status").get("type") != "shamir"
    kind = "recovery" if by_itself else "secret"
    asked: Fields = {f"{kind}_shares": shares, f"{kind}_threshold": threshold}
    made = vault.call("PUT", "v1/sys/init", asked)
    keys = cast("list[str]", made["recovery_keys_base64" if by_itself else "keys_base64"])
    name = "recovery-key" if by_itself else "unseal-key"
    names = [name] if len(keys) == 1 else [f"{name}-{number}" for number in range(1, len(keys) + 1)]
    values = {**dict(zip(names, keys, strict=True)), "root-token": str(made["root_token"])}
    until(lambda: _kept(keeper, values), "keeping the keys of the first start", 600)
    say(f"initialised; its keys are in the Secret {keeper.namespace}/{keeper.name}")


def _kept(keeper: Keeper, values: Mapping[str, str]) -> bool:
    try:
        keeper.keep(values)
    except RefusedError:
        return False
    return True


def unsealed(vault: Server) -> bool:
    """And one of them is active, or nothing can be written."""
    if vault.call("GET", "v1/sys/seal-status")["sealed"]:
        return False
    leader = vault.call("GET", "v1/sys/leader")
    return bool(leader.get("leader_address")) or not leader.get("ha_enabled")


def log_in(vault: Server, role: str, account: str) -> bool:
    """As an account of the cluster; False if the role is not there, or of another account."""
    try:
        found = vault.call("POST", "v1/auth/kubernetes/login", {"role": role, "jwt": account})["auth"]
    except RefusedError:
        return False
    vault.token = str(mapping(found)["client_token"])
    return True


# What follows makes what is not there, and writes what may be written again.


def mount(vault: Server, kind: str, path: str, engine: str, options: Fields | None = None) -> bool:
    """An engine, or with `kind` auth a way to log in. True if it is new."""
    there = vault.call("GET", f"v1/sys/{kind}")
    if f"{path}/" in there:
        return False
    vault.call("POST", f"v1/sys/{kind}/{path}", {"type": engine, **(options or {})})
    say(f"{kind} {path}: {engine}")
    return True


def policies(vault: Server, folder: Path) -> None:
    """One for each file, by its name."""
    for file in sorted(folder.glob("*.hcl")):
        vault.call("PUT", f"v1/sys/policies/acl/{file.stem}", {"policy": file.read_text()})
    say("policies: " + ", ".join(sorted(file.stem for file in folder.glob("*.hcl"))))


def accounts(vault: Server, roles: Sequence[Role]) -> None:
    """Which accounts of the cluster get which policies."""
    mount(vault, "auth", "kubernetes", "kubernetes")
    vault.call("POST", "v1/auth/kubernetes/config", {"kubernetes_host": KUBERNETES})
    for role in roles:
        body: Fields = {
            "bound_service_account_names": [role["account"]],
            "bound_service_account_namespaces": [role["namespace"]],
            "token_policies": [role["policy"]],
            "token_ttl": "20m",
            "token_max_ttl": "1h",
        }
        vault.call("POST", f"v1/auth/kubernetes/role/{role['name']}", body)


def audit(vault: Server) -> None:
    """To stdout, where the logs of the platform are read. OpenBao has it in its own configuration."""
    if "stdout/" not in vault.call("GET", "v1/sys/audit"):
        vault.call("PUT", "v1/sys/audit/stdout", {"type": "file", "options": {"file_path": "stdout"}})
        say("audit log to stdout")


def authorities(vault: Server, domain: str) -> None:
    """A root that signs one intermediate, and the intermediate that signs for cert-manager.

    Their keys never leave the server. Those that are there stay, or what they have signed is worth nothing.
    """
    mount(vault, "mounts", "pki-root", "pki", {"config": {"max_lease_ttl": "87600h"}})
    mount(vault, "mounts", "pki", "pki", {"config": {"max_lease_ttl": "43800h"}})
    if not _authority(vault, "pki-root"):
        asked: Fields = {"common_name": f"{domain} root", "ttl": "87600h", "key_type": "ec", "key_bits": 384}
        vault.call("POST", "v1/pki-root/root/generate/internal", asked)
        say("root authority made")
    if not _authority(vault, "pki"):
        asked = {"common_name": f"{domain} platform", "key_type": "ec", "key_bits": 256}
        request = _data(vault.call("POST", "v1/pki/intermediate/generate/internal", asked))["csr"]
        asked = {"csr": request, "ttl": "43800h", "use_csr_values": True, "format": "pem_bundle"}
        signed = _data(vault.call("POST", "v1/pki-root/root/sign-intermediate", asked))["certificate"]
        root = _data(vault.call("GET", "v1/pki-root/cert/ca"))["certificate"]
        vault.call("POST", "v1/pki/intermediate/set-signed", {"certificate": f"{signed}\n{root}"})
        say("intermediate authority made")
    role: Fields = {  # who may ask for which name is decided by cert-manager and the policies of the cluster
        "allow_any_name": True,
        "allow_ip_sans": True,
        "allow_wildcard_certificates": True,
        "enforce_hostnames": False,
        "require_cn": False,
        "key_type": "any",
        "max_ttl": "2160h",
        "allowed_uri_sans": ["spiffe://*"],
    }
    vault.call("POST", "v1/pki/roles/platform", role)


def _authority(vault: Server, path: str) -> bool:
    return vault.read(f"v1/{path}/issuers?list=true") is not None


def _data(answer: Fields) -> Mapping[str, Json]:
    return mapping(answer["data"])


def transit(vault: Server, names: Sequence[str]) -> None:
    """Keys that encrypt for others and never leave."""
    mount(vault, "mounts", "transit", "transit")
    for name in names:
        if vault.read(f"v1/transit/keys/{name}") is None:
            vault.call("POST", f"v1/transit/keys/{name}", {"type": "aes256-gcm96"})
            say(f"transit key {name} made")


def generate(vault: Server, wanted: Sequence[Generated], forms: Forms) -> None:
    """Make at random what is not there yet, each once, whoever else does the same."""
    for secret in wanted:
        if made := _complete(vault, secret["path"], secret["keys"], forms):
            say(f"{secret['path']}: made {', '.join(made)}")


def _complete(vault: Server, path: str, keys: Sequence[str], forms: Forms) -> list[str]:
    """Write with the version that was read: if another was faster, read again."""
    for _ in range(5):
        there, version = newest(vault, path)
        missing = [key for key in keys if key not in there]
        if not missing:
            return []
        new = {key: _random(forms.get(f"{path}/{key}", {})) for key in missing}
        body: Fields = {"options": {"cas": version}, "data": {**there, **new}}
        try:
            vault.call("POST", f"v1/secret/data/{path}", body)
        except RefusedError as refused:
            if refused.status != 400 or "check-and-set" not in str(refused):
                raise
            continue
        return missing
    raise TimeoutError(f"{path}: others kept writing it")


def newest(vault: Server, path: str) -> tuple[Mapping[str, Json], int]:
    """Values and version; none of one that a person has deleted: it is made anew."""
    if found := vault.read(f"v1/secret/data/{path}"):
        data = _data(found)
        return mapping(data["data"]), cast("int", mapping(data["metadata"])["version"])
    metadata = vault.read(f"v1/secret/metadata/{path}")
    return {}, cast("int", _data(metadata)["current_version"]) if metadata else 0


def _random(form: Mapping[str, int]) -> str:
    if "bytes" in form:
        return base64.b64encode(secrets.token_bytes(form["bytes"])).decode()
    while True:  # Harbor takes a robot's secret with a letter of each case and a digit alone
        text = "".join(secrets.choice(LETTERS) for _ in range(form.get("length", 32)))
        if not (text.isalpha() or text.isdigit() or text.islower() or text.isupper()):
            return text


def login_of_people(vault: Server, login: Login) -> None:
    """By OpenID Connect; who is in the group of administrators gets their policy, all others none."""
    path, _, key = login["secret"].rpartition("/")
    secret = newest(vault, path)[0].get(key)
    if not secret:
        raise LookupError(f"{login['secret']} is not in the mount `secret`")
    mount(vault, "auth", "oidc", "oidc")
    config: Fields = {
        "oidc_discovery_url": login["issuer"],
        "oidc_client_id": login["client"],
        "oidc_client_secret": secret,
        "default_role": "people",
    }
    if (authority := Path(login["issuer_authority"])).exists():
        config["oidc_discovery_ca_pem"] = authority.read_text()
    vault.call("POST", "v1/auth/oidc/config", config)
    role: Fields = {
        "role_type": "oidc",
        "user_claim": "email",
        "groups_claim": "groups",
        "bound_audiences": [login["client"]],
        "allowed_redirect_uris": login["redirects"],
        "oidc_scopes": ["profile", "email", "groups"],
        "token_ttl": "1h",
        "token_max_ttl": "8h",
    }
    vault.call("POST", "v1/auth/oidc/role/people", role)
    _group(vault, login["group"], "administrators")
    say(f"people log in by {login['issuer']}")


def _group(vault: Server, group: str, policy: str) -> None:
    accessor = mapping(vault.call("GET", "v1/sys/auth")["oidc/"])["accessor"]
    vault.call("POST", f"v1/identity/group/name/{group}", {"type": "external", "policies": [policy]})
    found = _data(vault.call("GET", f"v1/identity/group/name/{group}"))
    if not found.get("alias"):
        alias: Fields = {"name": group, "mount_accessor": accessor, "canonical_id": found["id"]}
        vault.call("POST", "v1/identity/group-alias", alias)


def configure(vault: Server, keeper: Keeper, wanted: Wanted, folder: Path, account: str) -> None:
    """All of it. The root token of the first start is given up as soon as another way in is proven."""
    initialise(vault, keeper, wanted["shares"], wanted["threshold"])
    until(lambda: unsealed(vault), "being unsealed", 600)
    if root := keeper.read("root-token"):
        vault.token = root
        audit(vault)
        policies(vault, folder)
        accounts(vault, wanted["roles"])
    if not log_in(vault, "vault-configuration", account):
        raise LookupError("the account vault-configuration may not log in")
    if root:
        own, vault.token = vault.token, root
        vault.call("POST", "v1/auth/token/revoke-self")
        vault.token = own
        keeper.forget("root-token")
        say("root token revoked")
    audit(vault)
    policies(vault, folder)
    accounts(vault, wanted["roles"])
    if mount(vault, "mounts", "secret", "kv", {"options": {"version": "2"}}):
        until(lambda: _answers(vault), "the mount `secret`", 60)  # it is made ready for versions at first
    authorities(vault, wanted["domain"])
    transit(vault, wanted["transit"])
    generate(vault, wanted["generated"], wanted["forms"])


def _answers(vault: Server) -> bool:
    try:
        vault.call("GET", "v1/secret/config")
    except RefusedError:
        return False
    return True


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("part", choices=["all", "login"])
    parser.add_argument("--policies", type=Path, default=Path("/policies"))
    parser.add_argument("--wanted", type=Path, default=Path("/wanted/wanted.json"))
    arguments = parser.parse_args()
    wanted = json.loads(arguments.wanted.read_text())
    vault = Server(wanted["server"], "X-Vault-Token", Path(wanted["authority"]))
    account = (ACCOUNT / "token").read_text()
    try:
        if arguments.part == "login":
            until(lambda: log_in(vault, "vault-configuration", account), "logging in", 300)
            login_of_people(vault, wanted)
        else:
            kubernetes = Server(KUBERNETES, "Authorization", ACCOUNT / "ca.crt", "Bearer ")
            kubernetes.token = account
            keeper = Keeper(kubernetes, (ACCOUNT / "namespace").read_text(), "vault-init")
            configure(vault, keeper, wanted, arguments.policies, account)
    except (RefusedError, OSError, LookupError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
