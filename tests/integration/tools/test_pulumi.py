"""Pulumi with our language host and our providers: a real program on a real engine, without a network."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terp.command import Command, CommandError
from terp.tools import Toolchain
from terp.tools.versions import read_versions
from tests.integration.tools.conftest import PROJECT, Stack

pytestmark = pytest.mark.tools

SECRETS = """
import pulumi
import pulumi_random as random
import pulumi_tls as tls

config = pulumi.Config()
password = random.RandomPassword("password", length=config.require_int("length"))
token = random.RandomBytes("token", length=8)
name = random.RandomPet("name")
key = tls.PrivateKey("key", algorithm="ED25519")
certificate = tls.SelfSignedCert(
    "certificate",
    private_key_pem=key.private_key_pem,
    allowed_uses=["cert_signing"],
    validity_period_hours=1,
    subject=tls.SelfSignedCertSubjectArgs(common_name="terp"),
)
pulumi.export("password", password.result)
pulumi.export("length", password.result.apply(len))
pulumi.export("token", token.hex)
pulumi.export("token-id", token.id)
pulumi.export("name", name.id)
pulumi.export("certificate", certificate.cert_pem)
pulumi.export("secret", config.require_secret("secret"))
"""

PROVIDER = """
import sys

import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import main


class Greeter(Provider):
    def construct(self, name, resource_type, inputs, options=None):
        greeting = pulumi.ComponentResource(resource_type, name, {}, options)
        return ConstructResult(greeting.urn, {"text": pulumi.Output.concat("hello, ", inputs["name"])})


main(Greeter("1.0.0"), sys.argv[1:])
"""
GREETING = """
import pulumi


class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]

    def __init__(self, name):
        super().__init__("greeter:index:Greeting", "greeting", {"name": name, "text": None}, remote=True)


pulumi.export("text", Greeting("Terp").text)
"""


def up(pulumi: Command, *more: str) -> str:
    return pulumi.output("up", "--yes", "--non-interactive", "--skip-preview", *more)


def test_the_cli_has_the_pinned_version(toolchain: Toolchain) -> None:
    pinned = read_versions().select(["pulumi"])[0].version
    pulumi = Command((str(toolchain.path("pulumi")),), env=toolchain.env())
    assert pulumi.output("version") == f"v{pinned}"


def test_pulumi_finds_every_provider(toolchain: Toolchain) -> None:
    pulumi = Command((str(toolchain.path("pulumi")),), env=toolchain.env())
    listed = {each["name"]: each["version"] for each in json.loads(pulumi.output("plugin", "ls", "--json"))}
    for tool in read_versions().select(["openstack"]):
        if tool.plugin:
            assert listed[tool.plugin] == tool.version


def test_a_program_makes_secrets_and_certificates_without_a_warning(stack: Stack, tmp_path: Path) -> None:
    pulumi = stack(SECRETS)
    pulumi.run("config", "set", "length", "24")
    pulumi.run("config", "set", "--secret", "secret", "planted-canary")
    shown = up(pulumi)
    assert "warning" not in shown
    outputs = json.loads(pulumi.output("stack", "output", "--json", "--show-secrets"))
    assert outputs["length"] == 24 and len(outputs["password"]) == 24
    assert outputs["secret"] == "planted-canary"
    assert outputs["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    state = "".join(each.read_text() for each in (tmp_path / "state").rglob("*.json"))
    for secret in (outputs["password"], outputs["token"], "planted-canary"):
        assert secret not in state and secret not in shown
    assert outputs["token-id"] == "none"


def test_a_second_up_changes_nothing_and_destroy_removes_everything(stack: Stack) -> None:
    pulumi = stack(SECRETS)
    pulumi.run("config", "set", "length", "12")
    pulumi.run("config", "set", "--secret", "secret", "x")
    up(pulumi)
    up(pulumi, "--expect-no-changes")
    pulumi.run("refresh", "--yes", "--non-interactive", "--expect-no-changes", "--skip-preview")
    pulumi.run("destroy", "--yes", "--non-interactive", "--skip-preview")
    assert json.loads(pulumi.output("stack", "export"))["deployment"].get("resources", []) == []


def test_an_exception_of_the_program_is_shown_once_with_its_line(stack: Stack) -> None:
    with pytest.raises(CommandError) as caught:
        up(stack("raise RuntimeError('wrong on purpose')\n"))
    assert caught.value.output.count("RuntimeError: wrong on purpose") == 1
    assert '__main__.py", line 1' in caught.value.output


def test_a_program_that_ends_itself_fails_the_update(stack: Stack) -> None:
    with pytest.raises(CommandError, match="exit status 3"):
        up(stack("import os\nos._exit(3)\n"))


def test_an_unknown_toolchain_is_an_error_with_the_known_ones(stack: Stack, tmp_path: Path) -> None:
    pulumi = stack("")
    file = tmp_path / "project" / "Pulumi.yaml"
    file.write_text(file.read_text().replace("toolchain: pip", "toolchain: conda"))
    with pytest.raises(CommandError, match='"conda" is not one of pip, poetry, uv'):
        up(pulumi)


def test_a_provider_written_in_python_is_run_by_the_language_host(stack: Stack, tmp_path: Path) -> None:
    pulumi = stack("")
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    options = f"options: {{toolchain: pip, virtualenv: {sys.prefix}}}"
    (plugin / "PulumiPlugin.yaml").write_text(f"runtime: {{name: python, {options}}}\n")
    (plugin / "__main__.py").write_text(PROVIDER)
    (tmp_path / "project" / "Pulumi.yaml").write_text(
        PROJECT + f"plugins: {{providers: [{{name: greeter, path: {plugin}, version: 1.0.0}}]}}\n"
    )
    (tmp_path / "project" / "__main__.py").write_text(GREETING)
    up(pulumi)
    assert json.loads(pulumi.output("stack", "output", "--json")) == {"text": "hello, Terp"}


def test_an_interrupt_ends_the_program_and_frees_the_stack(stack: Stack, tmp_path: Path) -> None:
    started = tmp_path / "started"
    say = f"pathlib.Path({str(started)!r}).write_text(str(os.getpid()))"
    pulumi = stack(f"import os, pathlib, time\n{say}\ntime.sleep(300)\n")
    argv = [*pulumi.argv, "up", "--yes", "--non-interactive", "--skip-preview"]
    process = subprocess.Popen(
        argv,
        cwd=pulumi.cwd,
        env=pulumi.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not (started.exists() and started.read_text()) and time.monotonic() < end:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) != 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    program = Path(f"/proc/{started.read_text()}")
    end = time.monotonic() + 10
    while program.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not program.exists()
    pulumi.run("refresh", "--yes", "--non-interactive", "--skip-preview")  # no lock is left
