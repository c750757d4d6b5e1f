"""An empty /proc/modules for Python programs where the kernel has none (CONFIG_MODULES off).

Nothing can be mounted there, and Ansible's modprobe module gives up without it before it looks at what is
built in.
"""

import builtins
import os
from typing import Any

# Not pathlib: every start of Python would pay for its import.
if not os.path.exists("/proc/modules"):  # noqa: PTH110
    _open: Any = builtins.open

    def _open_without_modules(file: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return _open("/dev/null" if file == "/proc/modules" else file, *args, **kwargs)

    builtins.open = _open_without_modules
