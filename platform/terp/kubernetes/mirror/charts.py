"""Helm charts in a mirror: of each repository an index with the one version that a release installs."""

from pathlib import Path
from urllib.parse import urljoin

import yaml

from terp.kubernetes.kubespray.downloads import Chart
from terp.kubernetes.mirror.layout import place
from terp.kubernetes.mirror.upstream import Upstream
from terp.progress import Task
from terp.tools.download import RefusedError
from terp.tools.store import file_digest, write_whole

INDEX = "index.yaml"


def there(chart: Chart, root: Path) -> bool:
    """Whether a chart is in the mirror."""
    index = root / place(chart.repository) / INDEX
    try:
        entry = yaml.safe_load(index.read_text())["entries"][chart.name][0]
        file = index.parent / entry["urls"][0]
        return bool(entry["version"] == chart.version and file_digest(file) == entry["digest"])
    except (FileNotFoundError, KeyError, TypeError, yaml.YAMLError):
        return False


def fetch(chart: Chart, root: Path, upstream: Upstream, task: Task) -> None:
    """Fetch a chart, and write the index that leads to it.

    Raises:
        RefusedError: the repository does not serve it.
    """
    repository = f"{chart.repository.rstrip('/')}/"
    try:
        entries = yaml.safe_load(upstream.text(repository + INDEX))["entries"][chart.name]
        entry = next(each for each in entries if each["version"] == chart.version)
        url = urljoin(repository, entry["urls"][0])
        digest = entry["digest"]
    except (KeyError, TypeError, StopIteration, yaml.YAMLError) as error:
        raise RefusedError(f"{repository} has no {chart.name} {chart.version} with a digest") from error
    folder = root / place(chart.repository)
    file = f"{chart.name}-{chart.version}.tgz"
    upstream.file(url, digest, folder / file, task)
    index = {"apiVersion": "v1", "entries": {chart.name: [{**entry, "urls": [file]}]}}
    write_whole(folder / INDEX, yaml.safe_dump(index))
