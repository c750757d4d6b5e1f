"""What an environment amounts to, as far as its file says; a pure function. Flavors are left to the cloud."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from terp.environment import Environment
from terp.environment.fields import FloatingIp
from terp.model import Model
from terp.openstack.firewall import security_groups
from terp.openstack.servers import server_groups


class Size(Model):
    """`servers` by group; `gibibytes` are those of all volumes; `ssh` and `api` say the way in."""

    servers: Mapping[str, int]
    volumes: int
    gibibytes: int
    new_floating_ips: int
    reserved_floating_ips: int
    security_groups: int
    rules: int
    ssh: str
    api: str


def size_of(stack: str, environment: Environment) -> Size:
    """Count what the file asks for."""
    groups = server_groups(stack, environment)
    servers = [server for group in groups for server in group.servers]
    sizes = [
        each.size for server in servers for each in (server.root_volume, *server.volumes.values()) if each
    ]
    floating_ips = [environment.access.api.floating_ip, *(server.floating_ip for server in servers)]
    firewall = security_groups(stack, environment)
    return Size(
        servers={group.name: len(group.servers) for group in groups},
        volumes=len(sizes),
        gibibytes=sum(sizes),
        new_floating_ips=floating_ips.count("new"),
        reserved_floating_ips=sum(isinstance(each, IPv4Address) for each in floating_ips),
        security_groups=len(firewall),
        rules=sum(len(group.rules) for group in firewall),
        ssh=_ssh(environment),
        api=_api(environment),
    )


def _ssh(environment: Environment) -> str:
    bastion = environment.access.bastion
    return f"through the bastion{_at(bastion.floating_ip)}" if bastion else "to the nodes' own addresses"


def _api(environment: Environment) -> str:
    api = environment.access.api
    what = "control-plane node" if api.endpoint == "node" else api.endpoint.replace("-", " ")
    return f"{what}, port {api.port}{_at(api.floating_ip)}"


def _at(floating_ip: FloatingIp) -> str:
    if floating_ip == "none":
        return ", without a floating IP"
    return ", at a new floating IP" if floating_ip == "new" else f", at {floating_ip}"
