"""`terp rebuild`: an environment anew, from the repository and a recovery set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, progress
from terp.cli.stack import ground
from terp.progress import readable

if TYPE_CHECKING:  # it comes with the SDKs of OpenStack and Kubernetes
    from terp.recovery.rebuild import Record

out = Console()


def rebuild(
    stack: Annotated[str, typer.Argument(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")],
    from_: Annotated[
        str, typer.Option("--from", help="The recovery sets: a directory or s3://BUCKET/PREFIX.")
    ],
    key: Annotated[
        Path, typer.Option(envvar="TERP_RECOVERY_KEY", help="File with a private key of a recipient.")
    ],
    set_: Annotated[
        str, typer.Option("--set", help="The beginning of its name, or the newest usable one.")
    ] = "latest",
    over: Annotated[
        bool,
        typer.Option("--over", help="Forget a state that is there: its cloud has nothing of it any more."),
    ] = False,
    hosts: Annotated[
        bool | None, typer.Option("--hosts/--no-hosts", help="Embedded cloud: real hosts (root), or records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an environment anew: same names, same keys, and what etcd had when the set was written.

    One that was cut off goes on where it was. Exit code 2: something of the environment is there still, or it
    cannot be rebuilt; nothing was changed.
    """
    from terp.environment.stack_file import stack_name
    from terp.recovery.age import read_keys
    from terp.recovery.backup import sets_of
    from terp.recovery.rebuild import Rebuild

    keys = read_keys(key)
    sets = sets_of(from_, stack_name(Path(stack)))
    with progress(as_json=as_json) as story:
        run = Rebuild(
            stack,
            sets,
            keys,
            story,
            lambda deployment: ground(deployment, story, hosts, "scripts/terp rebuild --no-hosts"),
            wanted=set_,
            over=over,
        )
        record = run.run()
    if as_json:
        typer.echo(record.model_dump_json())
    else:
        _show(record, stack)


def _show(record: "Record", stack: str) -> None:
    table = Table("phase", "time", box=None, pad_edge=False)
    for phase in record.phases:
        table.add_row(phase.name, readable(phase.seconds))
    out.print(table)
    out.print(f"\n{stack} stands again, after {readable(record.seconds)}", highlight=False)
    out.print(
        f"of set {record.set}: what came after {record.created:%Y-%m-%d %H:%M:%S} UTC is lost",
        highlight=False,
    )
