"""Make one of Terp's Python environments if it is missing, then run it or print its path.

    scripts/python NAME [ARGUMENTS]        (NAME as in requirements/<NAME>.lock)

Runs on any Python 3 and without a single package: what it does is in platform/terp/virtualenv.py.
"""

import os
import shutil
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the machine's `python3` may be old and a newer one beside it
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, "-IS", *sys.argv])  # noqa: S606
    sys.exit("error: Python 3.11 or newer is needed\n  on Debian and Ubuntu: apt-get install python3")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))

from terp.virtualenv import main

main(sys.argv[1:])
