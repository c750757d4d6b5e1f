"""`python -m terp.kubernetes.provider <address of the engine>`, as Pulumi's engine starts a provider."""

import sys
from typing import TYPE_CHECKING

from terp.kubernetes.provider.process import serve
from terp.kubernetes.provider.servicer import Servicer

if TYPE_CHECKING:
    from terp.kubernetes.life import Life


def _life() -> "Life":
    """Imported when it is first needed: an update without changes needs none of it."""
    from terp.kubernetes.execution import Execution
    from terp.kubernetes.life import Life

    return Life(Execution())


if __name__ == "__main__":
    serve(Servicer(sys.argv[-1], _life))
