"""Octavia's API, and the worker that builds its load balancers, in one process.

`python -m terp.cloud.services.octavia --config-file octavia.conf`
"""

import importlib
import os
import sys
from pathlib import Path

from terp.cloud.services.wsgi import serve
from terp.cloud.state import State


def main() -> None:
    """Start the worker, then serve the API."""
    sys.argv[0] = "octavia-api"
    application = importlib.import_module("octavia.wsgi.api").application  # reads the configuration
    from terp.cloud.balancer.worker import Worker  # needs the configuration

    Worker(State(Path(os.environ["TERP_CLOUD_ROOT"]))).start()
    serve(application, "octavia")


if __name__ == "__main__":
    main()
