"""The playbooks of `ansible/embedded` and the Ansible that runs them."""

from terp.kubernetes.embedded.bundle import bundle, variables
from terp.kubernetes.embedded.platform import platform_images
from terp.kubernetes.runner.installation import Installation
from terp.paths import PROJECT
from terp.progress import Progress
from terp.virtualenv import Virtualenv

PLAYBOOKS = PROJECT / "ansible" / "embedded"
VERSION = "0.1.0"


def installation(version: str, progress: Progress, *, platform: bool = False) -> Installation:
    """The installer of a version of Kubernetes, after making what it needs.

    With a `platform`, images of what Argo CD runs are among those that nodes get.

    Raises:
        TerpError: a tool or the virtual environment could not be made.
    """
    place = bundle(version, progress)
    more = [platform_images(progress)] if platform else []
    environment = Virtualenv("ansible")
    with progress.task("Ansible") as task:
        environment.make(task.update)
    return Installation(
        name="embedded",
        version=VERSION,
        playbooks=PLAYBOOKS,
        bin=environment.python.parent,
        settings={"roles_path": str(PLAYBOOKS / "roles")},
        variables=variables(place, *more),
    )
