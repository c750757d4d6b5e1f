"""What the embedded cloud offers: quotas, flavors, images, computes and networks, read from one YAML file."""

import ipaddress
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from terp.errors import TerpError
from terp.model import Model

DEFAULT = Path(__file__).with_name("settings.yaml")


class ExternalNetwork(Model):
    """The network of the floating IPs; the machine itself has its first address."""

    name: str = Field("public", min_length=1)
    cidr: str = Field(
        description="IPv4 prefix that nothing on this machine routes", examples=["198.51.100.0/25"]
    )

    @field_validator("cidr")
    @classmethod
    def _is_a_prefix(cls, value: str) -> str:
        network = ipaddress.IPv4Network(value)
        if network.prefixlen > 28:
            raise ValueError(f"{value} is too small: a /28 at least")
        return value

    @property
    def gateway(self) -> str:
        """The machine's own address."""
        return str(ipaddress.IPv4Network(self.cidr)[1])


class Computes(Model):
    """A number of equal Nova compute services."""

    count: int = Field(ge=1, le=64)
    zone: str = Field("nova", description="availability zone", min_length=1)
    vcpus: int = Field(64, ge=1)
    memory: int = Field(262_144, ge=512, description="MiB")
    disk: int = Field(2_000, ge=1, description="GiB")
    gpus: int = Field(0, ge=0, description="inventory of CUSTOM_GPU in Placement, per compute")


class Compute(Model):
    """One Nova compute service."""

    name: str
    zone: str
    vcpus: int
    memory: int
    disk: int
    gpus: int


class Flavor(Model):
    """A Nova flavor."""

    name: str = Field(min_length=1)
    vcpus: int = Field(ge=1)
    memory: int = Field(ge=64, description="MiB")
    disk: int = Field(ge=1, description="GiB")
    gpus: int = Field(0, ge=0, description="units of CUSTOM_GPU that a server takes")


class Image(Model):
    """A Glance image. Its content, and so its login (`os_distro`), is that of the machine's distribution."""

    name: str = Field(min_length=1)
    min_disk: int = Field(2, ge=0, description="GiB")


class Quotas(Model):
    """Limits of the member's project."""

    instances: int = Field(ge=0)
    cores: int = Field(ge=0)
    memory: int = Field(ge=0, description="MiB")
    key_pairs: int = Field(ge=0)
    server_groups: int = Field(ge=0)
    server_group_members: int = Field(ge=0)
    networks: int = Field(ge=0)
    subnets: int = Field(ge=0)
    ports: int = Field(ge=0)
    routers: int = Field(ge=0)
    floating_ips: int = Field(ge=0)
    security_groups: int = Field(ge=0)
    security_group_rules: int = Field(ge=0)
    volumes: int = Field(ge=0)
    snapshots: int = Field(ge=0)
    gigabytes: int = Field(ge=0, description="GiB")
    load_balancers: int = Field(ge=0)


class ProxySettings(Model):
    """The forward proxy of the servers; off without an allowed name."""

    allow: tuple[str, ...] = Field((), description="host names, exact or as *.domain")


class Settings(Model):
    """The whole offer."""

    external_network: ExternalNetwork
    computes: tuple[Computes, ...] = Field(min_length=1)
    flavors: tuple[Flavor, ...] = Field(min_length=1)
    images: tuple[Image, ...] = Field((Image(name="linux"),), min_length=1)
    volume_types: tuple[str, ...] = Field(min_length=1)
    quotas: Quotas
    proxy: ProxySettings

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, things in (("flavors", self.flavors), ("images", self.images)):
            names = [each.name for each in things]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        return self

    def each_compute(self) -> list[Compute]:
        """Every compute service by name: compute-01, compute-02, ..."""
        groups = [group for group in self.computes for _ in range(group.count)]
        return [
            Compute(name=f"compute-{number:02d}", **group.model_dump(exclude={"count"}))
            for number, group in enumerate(groups, 1)
        ]


def read_settings(file: Path = DEFAULT) -> Settings:
    """Read and check a settings file.

    Raises:
        TerpError: the file is missing, no YAML, or says something that is not allowed; all findings at once.
    """
    try:
        data = yaml.safe_load(file.read_text())
    except OSError as error:
        raise TerpError(f"{file}: {error.strerror}", exit_code=2) from error
    except yaml.YAMLError as error:
        raise TerpError(f"{file}: {error}", exit_code=2) from error
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        found = [
            f"{file}: {'.'.join(map(str, each['loc'])) or 'top level'}: {each['msg']}"
            for each in error.errors(include_url=False)
        ]
        raise TerpError(
            "\n".join(found), hint=f"the file that it may be compared with: {DEFAULT}", exit_code=2
        ) from error
