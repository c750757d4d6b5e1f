"""Where a stack lives on this machine: a Pulumi project of its own, and files that nobody else may read.

The project is a copy of this one's with the stack's file in it. So what Pulumi adds to a stack's file (the
salt of its encryption) does not change the work tree. Pulumi's state lies where `PULUMI_BACKEND_URL` says,
else in Terp's state directory.
"""

import os
import secrets
import shutil
import signal
import sys
from functools import cached_property
from pathlib import Path

import yaml

from terp.command import Command
from terp.environment import Environment, read
from terp.environment.document import parse
from terp.environment.stack_file import stack_name
from terp.openstack.connection import environment_variables
from terp.paths import PROJECT, state_dir
from terp.policy.pack import EXECUTABLE
from terp.tools import Toolchain

SALT = "encryptionsalt"
ENGINE = {
    "PULUMI_DEBUG_COMMANDS": "true",  # offers --event-log
    "PULUMI_PARALLEL_DIFF": "true",
    "GOGC": "400",
}
"""What makes the engine quick without giving up its checkpoints (decision 020)."""
TO_FINISH = 120.0
"""Seconds that an interrupted engine has for the operations that it has begun."""
POLICY_PACK = "PULUMI_OPTION_POLICY_PACK"
"""What `--policy-pack` of `pulumi preview` and `up` is without being said."""
PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


class Workspace:
    """The private folder of one stack: `root`."""

    def __init__(self, stack_file: Path) -> None:
        self.stack_file = stack_file
        self.stack = stack_name(stack_file)
        self.root = state_dir() / "stacks" / self.stack

    @cached_property
    def environment(self) -> Environment:
        """What the stack's file says.

        Raises:
            InvalidEnvironmentError: with all that is wrong.
        """
        return read(self.stack_file)

    @property
    def config(self) -> object:
        """All that stands under `config` in the stack's file."""
        return parse(self.stack_file.read_text(encoding="utf-8-sig")).at(("config",))

    @property
    def copy(self) -> Path:
        """The stack's file as the last run had it."""
        return self.root / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def ssh_config(self) -> Path:
        """Configuration for ssh, scp and Ansible."""
        return self.root / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The hosts' public keys."""
        return self.root / "known_hosts"

    @property
    def private_key(self) -> Path:
        """The environment's own SSH key."""
        return self.root / "private_key"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's way into the cluster."""
        return self.root / "kubeconfig"

    @property
    def own_passphrase(self) -> Path:
        """There for a stack that has another passphrase than this machine's: it came from elsewhere."""
        return self.root / "passphrase"

    @property
    def event_log(self) -> Path:
        """The engine's events of the last run."""
        return self.root / "events.jsonl"

    @property
    def log(self) -> Path:
        """What Pulumi printed in the last run."""
        return self.root / "pulumi.log"

    @property
    def unfinished(self) -> Path:
        """There while a run has not come to its end; says when it began."""
        return self.root / "unfinished"

    def prepare(self) -> None:
        """Make the folder, and bring its copy of the stack's file in step with the work tree's."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        (self.root / "stacks").mkdir(exist_ok=True)
        (self.root / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
        program = self.root / "platform"
        if not program.is_symlink() or program.readlink() != PROJECT / "platform":
            program.unlink(missing_ok=True)
            program.symlink_to(PROJECT / "platform")
        salt = self._salt()
        text = self.stack_file.read_text()
        if salt and SALT not in yaml.safe_load(text):
            text = f"{text.rstrip()}\n{SALT}: {salt}\n"
        self.copy.write_text(text)

    def remove(self) -> None:
        """Remove the folder, keys included."""
        shutil.rmtree(self.root)

    def _salt(self) -> str | None:
        return yaml.safe_load(self.copy.read_text()).get(SALT) if self.copy.exists() else None

    def variables(self, toolchain: Toolchain) -> dict[str, str]:
        """What Pulumi and the programs that it starts need in their environment, here and by hand.

        Raises:
            TerpError: clouds.yaml has no such cloud.
        """
        return {**self.engine(toolchain), **environment_variables(self.environment.cloud)}

    def by_hand(self, toolchain: Toolchain) -> dict[str, str]:
        """As `variables`, for a person who runs Pulumi: the gate's rules stand in the way there, too."""
        return {**self.variables(toolchain), POLICY_PACK: str(EXECUTABLE)}

    def engine(self, toolchain: Toolchain) -> dict[str, str]:
        """As `variables`, without a cloud: enough for the state."""
        tools = toolchain.env()
        python = Path(sys.executable).parent
        variables = {
            **tools,
            "PATH": f"{python}{os.pathsep}{tools['PATH']}",
            **ENGINE,
            POLICY_PACK: "",  # Terp has its own way through the gate
        }
        if "PULUMI_BACKEND_URL" not in os.environ:
            states = state_dir() / "pulumi"
            states.mkdir(parents=True, exist_ok=True, mode=0o700)
            variables["PULUMI_BACKEND_URL"] = f"file://{states}?metadata=skip"
        if not any(name in os.environ for name in PASSPHRASES):
            variables[PASSPHRASES[1]] = str(self._passphrase_file())
        return variables

    def passphrase(self) -> str:
        """What encrypts secrets in the state, from where Pulumi takes it (`PASSPHRASES`, in their order)."""
        given = os.environ.get(PASSPHRASES[0])
        if given is not None:
            return given
        file = os.environ.get(PASSPHRASES[1])
        return (Path(file) if file else self._passphrase_file()).read_text().strip()

    def bring_passphrase(self, passphrase: str) -> None:
        """Let the stack have a passphrase of its own; this machine's stays that of others."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.own_passphrase.unlink(missing_ok=True)
        _write(self.own_passphrase, passphrase)

    def _passphrase_file(self) -> Path:
        return self.own_passphrase if self.own_passphrase.exists() else _passphrase()

    def command(self, toolchain: Toolchain, timeout: float, *, state_only: bool = False) -> Command:
        """Pulumi, in this stack's project; with `state_only` it cannot reach a cloud, and needs none."""
        program = (str(toolchain.path("pulumi")), "--non-interactive")
        variables = self.engine(toolchain) if state_only else self.variables(toolchain)
        project = (
            self.root if self.root.exists() else PROJECT
        )  # a stack of another machine has no folder here
        return Command(
            program, timeout=timeout, env=variables, cwd=project, ends_by=signal.SIGINT, grace=TO_FINISH
        )


def _passphrase() -> Path:
    """The passphrase of this machine's stacks, made at the first use."""
    file = state_dir() / "passphrase"
    if not file.exists():
        _write(file, secrets.token_urlsafe(32))
    return file


def _write(file: Path, secret: str) -> None:
    """A new file that its owner alone reads."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secret)
