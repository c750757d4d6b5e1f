"""The toolchain: the programs that Terp drives, pinned, verified and cached.

toolchain = sync("openstack", progress)
Command((str(toolchain.path("pulumi")), "version"), env=toolchain.env())
"""

from terp.tools.toolchain import Toolchain, installed, sync

__all__ = ["Toolchain", "installed", "sync"]
