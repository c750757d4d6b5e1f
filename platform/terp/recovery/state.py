"""Pulumi's state of a set, opened by Pulumi in a backend of its own: what is in use is not touched."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from terp.command import Command
from terp.errors import TerpError
from terp.kubernetes.keys import ENCRYPTION
from terp.kubernetes.resource import CLUSTER
from terp.recovery.contents import PRIVATE_KEY
from terp.stack.pulumi import PROJECT, SHORT, in_clear
from terp.stack.workspace import PASSPHRASES
from terp.tools import Toolchain

PASSPHRASE_PROVIDER = "passphrase"  # noqa: S105 - the name of a kind
ROOT, PASSWORD, KEYPAIR = (
    "pulumi:pulumi:Stack",
    "random:index/randomPassword:RandomPassword",
    "tls:index/privateKey:PrivateKey",
)
OWN = ("random:", "tls:")
"""How the types of resources begin that are in the state alone."""
ENCRYPTION_KEY = "encryption-key"
"""Logical name of the password that becomes the key of Secrets (`terp.kubernetes.cluster`)."""


class Revealed:
    """The resources of a state, with secrets in clear."""

    def __init__(self, exported: Mapping[str, Any]) -> None:
        self._resources = (exported["deployment"] or {}).get("resources", ())

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._resources)

    def keys(self) -> dict[str, str]:
        """The keys that it records, by the names of a set's parts."""
        found: dict[str, str] = {}
        for outputs in self._outputs(CLUSTER):
            found |= outputs.get("keys") or {}
        for outputs in self._outputs(PASSWORD, ENCRYPTION_KEY):
            found[ENCRYPTION] = outputs["result"]
        for outputs in self._outputs(ROOT):
            if PRIVATE_KEY in outputs:
                found[PRIVATE_KEY] = outputs[PRIVATE_KEY]
        return found

    def _outputs(self, kind: str, name: str = "") -> Iterator[dict[str, Any]]:
        for each in self._resources:
            if each["type"] == kind and name in ("", each["urn"].rpartition("::")[2]):
                yield {key: in_clear(value) for key, value in each.get("outputs", {}).items()}


def recorded_fingerprints(exported: Mapping[str, Any]) -> Mapping[str, str]:
    """The fingerprints of the keys of the cluster, as the state has them."""
    resources = (exported["deployment"] or {}).get("resources", ())
    found = (each["outputs"].get("fingerprints") for each in resources if each["type"] == CLUSTER)
    return next((each for each in found if each), {})


def without_cloud(exported: Mapping[str, Any]) -> dict[str, Any]:
    """A state with those resources alone that are nowhere but in it: keys and passwords that were generated.

    An `up` on it makes everything else anew, and goes on with these.
    """
    before = exported["deployment"]
    by_urn = {each["urn"]: each for each in before["resources"]}
    kept = {urn for urn, each in by_urn.items() if each["type"].startswith(OWN)}
    kept |= {by_urn[urn].get("provider", "").rpartition("::")[0] for urn in kept}
    parents = [by_urn[urn] for urn in kept if urn in by_urn]
    while parents:
        parents = [by_urn[each["parent"]] for each in parents if each.get("parent")]
        kept |= {each["urn"] for each in parents}
    resources = [_alone(each, kept) for each in before["resources"] if each["urn"] in kept]
    deployment = {name: value for name, value in before.items() if name != "pending_operations"}
    return {**exported, "deployment": {**deployment, "resources": resources}}


def _alone(resource: Mapping[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """A resource that depends on nothing which is gone; one that holds others has put out nothing yet."""
    alone = {
        **resource,
        "dependencies": [each for each in resource.get("dependencies") or () if each in kept],
    }
    alone.pop("propertyDependencies", None)
    return alone if resource.get("custom") else {**alone, "outputs": {}}


def needs_passphrase(exported: Mapping[str, Any]) -> None:
    """Refuse a state whose secrets something else encrypts: it would have to be in the set, too.

    Raises:
        TerpError: it is so (exit code 2).
    """
    kind = ((exported["deployment"] or {}).get("secrets_providers") or {}).get("type", PASSPHRASE_PROVIDER)
    if kind != PASSPHRASE_PROVIDER:
        raise TerpError(
            f"the secrets of the state are encrypted by {kind!r}, which a recovery set cannot hold",
            hint="pulumi stack change-secrets-provider passphrase",
            exit_code=2,
        )


def reveal(state: str, passphrase: str, stack: str, folder: Path, toolchain: Toolchain) -> Revealed:
    """Open a state with its passphrase; `folder` is private and empty.

    Raises:
        CommandError: it does not open.
    """
    (folder / "backend").mkdir()
    (folder / "passphrase").write_text(passphrase)
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": PROJECT, "runtime": "python"}))
    variables = {
        **toolchain.env(),
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
        PASSPHRASES[1]: str(folder / "passphrase"),
    }
    pulumi = Command(
        (str(toolchain.path("pulumi")), "--non-interactive"),
        timeout=SHORT,
        env=variables,
        only=frozenset({"HOME"}),  # no passphrase of this machine's
        cwd=folder,
    )
    pulumi.run("stack", "init", stack)
    pulumi.run("stack", "import", "--stack", stack, stdin=state)
    return Revealed(json.loads(pulumi.output("stack", "export", "--show-secrets", "--stack", stack)))
