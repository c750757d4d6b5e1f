"""Nova's API, conductor, scheduler and all computes in one process, over an in-process message bus.

`python -m terp.cloud.services.nova --config-file nova.conf`
"""

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import importlib  # noqa: E402 - Nova must patch before anything else is loaded
import os  # noqa: E402
import shlex  # noqa: E402
import sys  # noqa: E402
import uuid  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import nova.conf  # noqa: E402
import nova.virt  # noqa: E402
import nova.virt.block_device  # noqa: E402
import os_brick  # noqa: E402
import os_vif  # noqa: E402
from nova import context, objects, service, utils  # noqa: E402
from nova.api.openstack import wsgi_app  # noqa: E402
from nova.compute import rpcapi as compute_rpcapi  # noqa: E402
from nova.conductor import rpcapi as conductor_rpcapi  # noqa: E402
from nova.objects import host_mapping  # noqa: E402
from nova.scheduler import rpcapi as scheduler_rpcapi  # noqa: E402
from oslo_log import log as logging  # noqa: E402
from oslo_privsep import priv_context  # noqa: E402
from oslo_service import opts as service_opts  # noqa: E402

from terp.cloud.services.wsgi import serve  # noqa: E402
from terp.cloud.state import State  # noqa: E402

CONF = nova.conf.CONF
STATE = State(Path(os.environ["TERP_CLOUD_ROOT"]))


class _AnyHost(str):
    """Equal to every host: Nova compares a server's host with that of "this process", which here are many."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class _ConfOfAllComputes:
    """Nova's configuration, but for `host`."""

    host = _AnyHost("embedded")

    def __getattr__(self, name: str) -> Any:
        return getattr(CONF, name)


def _prepare() -> Any:
    application = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
    logging.setup(CONF, "nova")
    service_opts.register_service_opts(CONF)
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    objects.register_all()
    os_brick.setup(CONF)
    os_vif.initialize()
    # Nova loads drivers from its own package only ([DEFAULT] compute_driver, nova/virt/driver.py).
    drivers = importlib.import_module(
        "terp.cloud.drivers." + ("machines" if STATE.ground.hosts else "records")
    )
    sys.modules["nova.virt.terp"] = nova.virt.terp = drivers
    nova.virt.block_device.CONF = _ConfOfAllComputes()
    identity = Path(CONF.state_path) / "compute_id"
    if not identity.exists():
        identity.write_text(str(uuid.uuid4()))
    return application


def main() -> None:
    """Start everything, then serve the API."""
    application = _prepare()
    services = [
        service.Service.create(
            binary="nova-conductor",
            topic=conductor_rpcapi.RPC_TOPIC,
            manager="nova.conductor.manager.ConductorManager",
        ),
        service.Service.create(
            binary="nova-scheduler",
            topic=scheduler_rpcapi.RPC_TOPIC,
            manager="nova.scheduler.manager.SchedulerManager",
        ),
    ]
    for each in services:
        each.start()
    for one in STATE.settings.each_compute():
        started = service.Service.create(
            host=one.name,
            binary="nova-compute",
            manager="nova.compute.manager.ComputeManager",
            topic=compute_rpcapi.RPC_TOPIC,
            topic_alt=compute_rpcapi.RPC_TOPIC_ALT,
        )
        started.start()
        services.append(started)
    host_mapping.discover_hosts(context.get_admin_context())
    serve(application, "nova")


if __name__ == "__main__":
    main()
