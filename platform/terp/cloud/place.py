"""Where one embedded cloud lives on this machine, and how it names what it makes."""

from ipaddress import ip_network
from pathlib import Path

from pydantic import Field

from terp.model import Model


class Place(Model):
    """The paths of one cloud and the tag of every kernel object that it makes.

    Everything that outlives a process (namespace, link, cgroup, nftables table, mount) carries `tag` in its
    name, or lies under `root`: so `down` finds all of it without a record, also after kill -9.
    """

    root: Path = Field(description="private state directory (mode 0700)")
    tag: str = Field(description="unique on this machine", pattern=r"^t[0-9a-f]{4}$", examples=["t3fa9"])
    packages: Path = Field(description="root of the extracted Debian packages (nspawn, nft, MariaDB, ...)")
    image: Path | None = Field(None, description="read-only file tree of every server; None without hosts")
    external_cidr: str = Field("198.51.100.0/25", description="addresses of the external network")
    apis: dict[str, int] = Field({}, description="port of each API that servers reach at the machine's leg")

    @property
    def machine(self) -> str:
        """The machine's own address in the external network: the first."""
        return str(ip_network(self.external_cidr)[1])

    def path(self, *parts: str) -> Path:
        """A path in the state directory."""
        return self.root.joinpath(*parts)
