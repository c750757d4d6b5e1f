"""First content of the cloud: identities, flavors, zones, the external network, images, the credential.

Every step looks first at what is there, so an interrupted one is simply done again.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from terp.cloud.configuration import DOMAIN, REGION, TYPES
from terp.cloud.process import wait_for
from terp.cloud.settings import Flavor
from terp.cloud.state import State
from terp.command import Command

RECORDS = {"ID": "debian", "VERSION_ID": "12"}
"""What servers that are records are said to run."""
CLOUD = "embedded"
"""Name of the member's cloud in `clouds.yaml`, of its project and of its user."""
CLUSTER = "embedded-cluster"
"""Name in `clouds.yaml` of what a Kubernetes cluster gets: what the member may do of `CLUSTER_CALLS`."""
CLUSTER_CALLS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "compute": {
        "GET": ("/v2.1/servers/**", "/v2.1/flavors/*"),
        "POST": ("/v2.1/servers/*/os-volume_attachments",),
        "DELETE": ("/v2.1/servers/*/os-volume_attachments/*",),
    },
    "network": {
        "GET": ("/v2.0/**",),
        "POST": ("/v2.0/floatingips",),
        "PUT": ("/v2.0/floatingips/**", "/v2.0/ports/**"),
        "DELETE": ("/v2.0/floatingips/**",),
    },
    "block-storage": {
        "GET": ("/v3/**",),
        "POST": ("/v3/volumes**", "/v3/snapshots**"),
        "DELETE": ("/v3/volumes/*", "/v3/snapshots/*"),
    },
    "load-balancer": dict.fromkeys(("GET", "POST", "PUT", "DELETE"), ("/v2**",)),
}
"""What the cloud controller and the Cinder plugin call, by type of service and method (Keystone: "Access
Rules")."""
SERVICE_ACCOUNTS = ("glance", "placement", "nova", "neutron", "cinder", "octavia")
MEMBER_ROLES = ("member", "reader", "load-balancer_member")
API_TIMEOUT = 60
"""Seconds that one call may take: the machine may be busy with other things while the cloud starts."""


def bootstrap(state: State) -> None:
    """Keystone's first administrator and endpoint; the password travels by the environment."""
    Command(
        (str(state.ground.python.parent / "keystone-manage"),),
        timeout=180,
        env={"OS_BOOTSTRAP_PASSWORD": state.password("admin")},
    ).log_to(
        state.path("logs", "bootstrap.log"),
        "--config-file",
        state.path("etc", "keystone", "keystone.conf"),
        "bootstrap",
        "--bootstrap-region-id",
        REGION,
        "--bootstrap-public-url",
        state.public_url("keystone", "/v3"),
        "--bootstrap-internal-url",
        state.url("keystone", "/v3"),
    )


def connect(state: State, user: str, project: str, password: str) -> Connection:
    """A connection by password; nothing of the caller's own OpenStack configuration is read."""
    return openstack.connect(
        auth_url=state.url("keystone", "/v3"),
        username=user,
        password=password,
        project_name=project,
        user_domain_name=DOMAIN,
        project_domain_name=DOMAIN,
        region_name=REGION,
        interface="internal",
        load_yaml_config=False,
        load_envvars=False,
        api_timeout=API_TIMEOUT,
    )


def administrator(state: State) -> Connection:
    """The cloud's administrator."""
    return connect(state, "admin", "admin", state.password("admin"))


def identity(state: State) -> None:
    """Service accounts, the catalogue, and the member."""
    admin = administrator(state)
    keystone: Any = admin.identity
    roles = {role.name: role for role in keystone.roles()}
    for name in ("service", *MEMBER_ROLES):
        if name not in roles:
            roles[name] = keystone.create_role(name=name)
    service = keystone.find_project("service") or keystone.create_project(name="service", domain_id="default")
    member = keystone.find_project(CLOUD) or keystone.create_project(name=CLOUD, domain_id="default")

    def account(name: str, password: str, project: Any, granted: tuple[str, ...]) -> None:  # noqa: ANN401
        user = keystone.find_user(name) or keystone.create_user(
            name=name, password=password, domain_id="default", default_project_id=project.id
        )
        for role in granted:
            keystone.assign_project_role_to_user(project, user, roles[role])

    with ThreadPoolExecutor(4) as pool:
        accounts = [
            pool.submit(account, name, state.password("service"), service, ("service", "admin"))
            for name in SERVICE_ACCOUNTS
        ]
        accounts.append(pool.submit(account, CLOUD, state.password("member"), member, MEMBER_ROLES))
        for each in accounts:
            each.result()
    _catalogue(state, keystone)


def _catalogue(state: State, keystone: Any) -> None:  # noqa: ANN401
    paths = {"nova": "/v2.1", "cinder": "/v3"}
    wanted = {**{kind: (name, name) for name, kind in TYPES.items()}, "volumev3": ("cinderv3", "cinder")}
    known = {service.type: service for service in keystone.services()}
    have = {(endpoint.service_id, endpoint.interface) for endpoint in keystone.endpoints()}
    for kind, (name, api) in wanted.items():
        service = known.get(kind) or keystone.create_service(name=name, type=kind)
        for interface, address in (("public", state.public_url), ("internal", state.url)):
            if (service.id, interface) not in have:
                url = address(api, paths.get(api, ""))
                keystone.create_endpoint(
                    service_id=service.id, interface=interface, url=url, region_id=REGION
                )


def content(state: State) -> None:
    """Everything that an administrator offers to members."""
    admin = administrator(state)
    steps = (_flavors, _external_network, _volume_types, _images, _zones)
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(step, state, admin) for step in steps]:
            each.result()


def _flavors(state: State, admin: Connection) -> None:
    have = {flavor.name for flavor in admin.compute.flavors()}
    for flavor in state.settings.flavors:
        if flavor.name not in have:
            _flavor(admin, flavor)


def _flavor(admin: Connection, flavor: Flavor) -> None:
    made = admin.compute.create_flavor(
        name=flavor.name, vcpus=flavor.vcpus, ram=flavor.memory, disk=flavor.disk
    )
    if flavor.gpus:
        admin.compute.create_flavor_extra_specs(made, {"resources:CUSTOM_GPU": str(flavor.gpus)})


def _external_network(state: State, admin: Connection) -> None:
    asked = state.settings.external_network
    network = admin.network.find_network(asked.name) or admin.network.create_network(
        name=asked.name,
        provider_network_type="flat",
        provider_physical_network="external",
        is_router_external=True,
        mtu=1500,
    )
    if not network.subnet_ids:
        admin.network.create_subnet(
            network_id=network.id,
            name=f"{asked.name}-ipv4",
            ip_version=4,
            cidr=asked.cidr,
            gateway_ip=asked.gateway,
            is_dhcp_enabled=False,
        )


def _volume_types(state: State, admin: Connection) -> None:
    have = {kind.name for kind in admin.block_storage.types()}
    for name in state.settings.volume_types:
        if name not in have:
            admin.block_storage.create_type(name=name, extra_specs={"volume_backend_name": "embedded"})


def _images(state: State, admin: Connection) -> None:
    """The content of each is the base tree that every server starts from, and so is what it tells of that."""
    release = os_release(state.ground.place.image)
    have = {image.name: image for image in admin.image.images()}
    for wanted in state.settings.images:
        image = have.get(wanted.name) or admin.image.create_image(
            name=wanted.name,
            visibility="public",
            container_format="bare",
            disk_format="raw",
            min_disk=wanted.min_disk,
            os_distro=release["ID"],
            os_version=release["VERSION_ID"],
            allow_duplicates=True,
        )
        if image.status != "active":
            admin.image.put(
                f"/images/{image.id}/file",
                data=f"servers start from the base tree, {release['ID']} {release['VERSION_ID']}\n".encode(),
                headers={"Content-Type": "application/octet-stream"},
            )


def os_release(tree: Path | None) -> dict[str, str]:
    """What a tree's os-release(5) says; its `ID` is the user that the distribution's cloud-init makes."""
    if not tree:
        return RECORDS
    lines = (tree / "etc/os-release").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}


def _zones(state: State, admin: Connection) -> None:
    """Availability zones are host aggregates; the computes must have reported themselves."""
    computes = state.settings.each_compute()

    def all_there() -> bool:
        reported = [each for each in admin.compute.services() if each.binary == "nova-compute"]
        return len(reported) >= len(computes)

    wait_for(f"{len(computes)} computes to report", all_there, 120, 0.5)
    have = {each.name: each for each in admin.compute.aggregates()}
    for zone in sorted({each.zone for each in computes} - {"nova"}):
        aggregate = have.get(zone) or admin.compute.create_aggregate(name=zone, availability_zone=zone)
        for each in computes:
            if each.zone == zone and each.name not in (aggregate.hosts or []):
                admin.compute.add_host_to_aggregate(aggregate, each.name)


def credential(state: State) -> None:
    """Write `clouds.yaml` with application credentials of the member, and the admin's file beside it."""
    member = connect(state, CLOUD, CLOUD, state.password("member"))
    keystone: Any = member.identity
    user = member.current_user_id
    for old in keystone.application_credentials(user):
        keystone.delete_application_credential(user, old)
    made = keystone.create_application_credential(
        user, name=CLOUD, description="the embedded cloud's member", unrestricted=False
    )
    restricted = keystone.create_application_credential(
        user,
        name=CLUSTER,
        description="what a Kubernetes cluster calls",
        unrestricted=False,
        access_rules=[
            {"service": service, "method": method, "path": path}
            for service, methods in CLUSTER_CALLS.items()
            for method, paths in methods.items()
            for path in paths
        ],
    )
    here = {"region_name": REGION, "interface": "internal", "identity_api_version": 3}
    clouds = {
        CLOUD: {
            **here,
            "servers": "hosts" if state.ground.hosts else "records",
            **_application(made, state.url("keystone", "/v3")),
        },
        CLUSTER: {
            **here,
            "interface": "public",
            **_application(restricted, state.public_url("keystone", "/v3")),
        },
    }
    admin = {
        **here,
        "auth": {
            "auth_url": state.url("keystone", "/v3"),
            "username": "admin",
            "password": state.password("admin"),
            "project_name": "admin",
            "user_domain_name": DOMAIN,
            "project_domain_name": DOMAIN,
        },
    }
    state.write_private("admin-clouds.yaml", json.dumps({"clouds": {"embedded-admin": admin}}, indent=1))
    state.write_private("clouds.yaml", json.dumps({"clouds": clouds}, indent=1))


def _application(made: Any, auth_url: str) -> dict[str, Any]:  # noqa: ANN401
    return {
        "auth_type": "v3applicationcredential",
        "auth": {
            "auth_url": auth_url,
            "application_credential_id": made.id,
            "application_credential_name": made.name,
            "application_credential_secret": made.secret,
        },
    }
