"""`terp up` and `terp down`: what `make up` and `make down` do."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, hosts_possible, progress, the_cloud
from terp.cloud.settings import read_settings
from terp.progress import Finished, readable

PURPOSE = "openstack"
"""What the tools are for that the next layer, OpenStack through Pulumi, needs."""


def up(
    hosts: Annotated[
        bool | None, typer.Option("--hosts/--no-hosts", help="Real hosts (needs root), or records only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Raise everything that is built so far on this machine: tools, cloud, one server as a proof."""
    from terp.cloud import lifecycle  # with OpenStack's SDK: a second that other commands save
    from terp.cloud.proof import prove
    from terp.tools import sync

    cloud = the_cloud()
    with_hosts = cloud.ground.hosts if cloud.exists() and hosts is None else hosts_possible(asked=hosts)
    start = time.monotonic()
    with progress(as_json=as_json) as story, ThreadPoolExecutor(1) as beside:
        tools = beside.submit(sync, PURPOSE, story)
        lifecycle.up(cloud, read_settings(), story, with_hosts=with_hosts)
        prove(cloud, story)
        tools.result()
    if not as_json:
        _summary(story.finished, time.monotonic() - start)


def _summary(finished: list[Finished], seconds: float) -> None:
    table = Table("what", "time", box=None, pad_edge=False)
    for each in finished:
        table.add_row(each.task, readable(each.seconds))
    table.add_row("[bold]all together[/]", f"[bold]{readable(seconds)}[/]")
    out = Console()
    out.print(table)
    out.print('\nuse the cloud:  eval "$(scripts/terp cloud env)"', highlight=False)
    out.print("look at it:     scripts/terp cloud status", highlight=False)
    out.print("remove it:      make down", highlight=False)


def down(as_json: AsJson = False) -> None:
    """Remove everything that `up` made: cloud, servers, volumes. What was fetched stays in the cache."""
    from terp.cloud import lifecycle

    cloud = the_cloud()
    if cloud.exists() and cloud.ground.hosts and os.geteuid() != 0:
        hosts_possible(asked=None)
    with progress(as_json=as_json) as story:
        lifecycle.reset(cloud, story)
