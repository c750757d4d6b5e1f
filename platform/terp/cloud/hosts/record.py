"""What is known of a host: written before anything of it exists, so that nothing is ever without a record."""

from pathlib import Path

from pydantic import Field

from terp.model import Model

UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class Nic(Model):
    """One network interface."""

    port: str = Field(description="id of the port; names the link in the fabric")
    mac: str
    network: str
    mtu: int = 1500


class HostSpec(Model):
    """What a host is made from."""

    id: str = Field(pattern=UUID)
    name: str = Field(description="host name; need not be unique", max_length=64)
    memory: int = Field(description="MiB", ge=64)
    vcpus: int = Field(ge=1)
    disk: int = Field(10, description="GiB of the root disk; of no use with `root_volume`", ge=1)
    nics: tuple[Nic, ...] = ()
    root_volume: Path | None = Field(None, description="file of the volume that is the root disk")


class Volume(Model):
    """One attached volume."""

    file: Path
    device: str = Field(pattern=r"^/dev/[a-z0-9]+$", examples=["/dev/vdb"])


class HostRecord(Model):
    """The state of a host that is not in its disk: `host.json`."""

    spec: HostSpec
    nics: dict[str, Nic] = Field(description="by interface name")
    volumes: dict[str, Volume] = Field(default_factory=dict, description="by volume id")

    @classmethod
    def of(cls, spec: HostSpec) -> "HostRecord":
        """The record of a host that has just been asked for."""
        return cls(spec=spec, nics={f"eth{number}": nic for number, nic in enumerate(spec.nics)})

    def with_nic(self, nic: Nic) -> tuple["HostRecord", str]:
        """With one more interface; also says its name. The port's own name when it is there already."""
        for ifname, known in self.nics.items():
            if known.port == nic.port:
                return self, ifname
        ifname = next(f"eth{n}" for n in range(len(self.nics) + 1) if f"eth{n}" not in self.nics)
        return self.model_copy(update={"nics": {**self.nics, ifname: nic}}), ifname

    def without_nic(self, port: str) -> "HostRecord":
        """Without the interface of a port."""
        return self.model_copy(update={"nics": {k: v for k, v in self.nics.items() if v.port != port}})

    def with_volume(self, volume_id: str, volume: Volume) -> "HostRecord":
        """With one more volume."""
        return self.model_copy(update={"volumes": {**self.volumes, volume_id: volume}})

    def without_volume(self, volume_id: str) -> "HostRecord":
        """Without a volume."""
        return self.model_copy(update={"volumes": {k: v for k, v in self.volumes.items() if k != volume_id}})


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file at once or not at all, whatever the caller's umask."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.chmod(mode)
    new.replace(file)
