"""How a report is printed."""

import io
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from tests.unit.preflight.samples import QUOTAS, STACK, environment, snapshot

from terp.cli.doctor import show, table
from terp.preflight.report import Report, judge
from terp.preflight.snapshot import Quota

FILE = """\
config:
  terp:environment:
    cloud:
      name: embedded
    nodes:
      image: debian-21
      pools:
        cpu:
          count: 2
"""


def report(**changes: object) -> Report:
    quotas = {**QUOTAS, "cores": Quota(limit=20, used=8), "instances": Quota(limit=-1, used=4)}
    wanted = environment(access__api={"endpoint": "load-balancer"}, **changes)
    return judge(STACK, wanted, snapshot(quotas=quotas), None)


def printed(*shown: object, width: int = 100) -> str:
    out = io.StringIO()
    for each in shown:
        Console(file=out, width=width).print(each)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_the_table(golden: Callable[[str, str], None]):
    golden("preflight/quota.txt", printed(table(report().quota)))


def test_the_whole_report(golden: Callable[[str, str], None], tmp_path: Path):
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(FILE)
    out = io.StringIO()
    show(report(nodes__image="debian-21", cloud__dns={"zone": "x.org"}), file, Console(file=out, width=100))
    lines = (line.rstrip() for line in out.getvalue().replace(str(tmp_path), "stacks").splitlines())
    golden("preflight/report.txt", "".join(f"{line}\n" for line in lines))


def test_json_has_what_is_short_and_dotted_keys():
    data = json.loads(report(nodes__image="debian-21").model_dump_json())
    assert data["findings"][0]["key"] == "nodes.image"
    [cores] = [row for row in data["quota"] if row["resource"] == "cores"]
    assert cores == {"resource": "cores", "label": "cores", "quota": 20, "used": 8, "added": 15, "short": 3}
