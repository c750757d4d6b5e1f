"""Cinder's API, scheduler and volume service in one process, over an in-process message bus.

`python -m terp.cloud.services.cinder --config-file cinder.conf`
"""

import os

os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "true"

from cinder import monkey_patch

monkey_patch.patch()

from cinder import service  # noqa: E402
from cinder.cmd import volume as volume_command  # noqa: E402
from cinder.common import constants  # noqa: E402
from cinder.wsgi import wsgi as cinder_wsgi  # noqa: E402
from oslo_config import cfg  # noqa: E402

from terp.cloud.services.wsgi import serve  # noqa: E402

CONF = cfg.CONF


def main() -> None:
    """Start everything, then serve the API."""
    application = cinder_wsgi.initialize_application()
    scheduler = service.Service.create(binary="cinder-scheduler")
    scheduler.start()
    for backend in CONF.enabled_backends:
        CONF.register_opt(volume_command.host_opt, group=backend)
        service.Service.create(
            host=f"{CONF.host}@{backend}",
            service_name=backend,
            binary=constants.VOLUME_BINARY,
            coordination=True,
        ).start()
    serve(application, "cinder")


if __name__ == "__main__":
    main()
