"""The whole API as an ordinary member uses it, on the driver mode without hosts."""

from collections import Counter

import pytest
from openstack import exceptions
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.network.v2.network import Network

from terp.cloud.process import wait_for

pytestmark = pytest.mark.cloud


@pytest.fixture
def network(member: Connection) -> Network:
    network = member.network.create_network(name="nodes")
    member.network.create_subnet(network_id=network.id, name="nodes", ip_version=4, cidr="10.20.0.0/24")
    return member.network.get_network(network)


def image_id(member: Connection) -> str:
    return next(iter(member.image.images())).id


def boot(member: Connection, name: str, flavor: str = "m1.tiny", **more: object) -> Server:
    more.setdefault("networks", "none")
    if "block_device_mapping" not in more:
        more["image_id"] = image_id(member)
    return member.compute.create_server(name=name, flavor_id=member.compute.find_flavor(flavor).id, **more)


def active(member: Connection, server: Server) -> Server:
    return member.compute.wait_for_server(server, wait=120, interval=0.3)


def why_not(member: Connection, server: Server) -> str:
    with pytest.raises(exceptions.ResourceFailure):
        active(member, server)
    return member.compute.get_server(server).fault["message"]


def wait_volume(member: Connection, volume: object, status: str) -> None:
    member.block_storage.wait_for_status(
        member.block_storage.get_volume(volume), status, interval=0.3, wait=60
    )


def test_the_credential_is_an_ordinary_members(member: Connection) -> None:
    roles = {role["name"] for role in member.session.auth.get_access(member.session)._data["token"]["roles"]}
    assert "member" in roles
    assert "admin" not in roles
    with pytest.raises(exceptions.ForbiddenException):
        member.compute.create_flavor(name="mine", vcpus=1, ram=512, disk=1)
    with pytest.raises(exceptions.ForbiddenException):
        list(member.identity.users())


def test_the_credential_of_clusters_calls_what_clusters_call_and_nothing_else(
    records, member: Connection, network: Network
) -> None:
    cluster = records.connect(entry="embedded-cluster")
    server = active(member, boot(member, "node"))
    volume = cluster.block_storage.create_volume(name="data", size=1)
    wait_volume(cluster, volume, "available")
    cluster.compute.create_volume_attachment(server, volume_id=volume.id)
    wait_volume(cluster, volume, "in-use")
    balancer = cluster.load_balancer.create_load_balancer(vip_network_id=network.id)
    cluster.load_balancer.wait_for_load_balancer(balancer.id, interval=0.3, wait=60)
    cluster.load_balancer.delete_load_balancer(balancer, cascade=True)
    cluster.load_balancer.wait_for_delete(balancer, interval=0.3, wait=60)
    for refused in (
        lambda: cluster.compute.delete_server(server),
        lambda: cluster.network.delete_network(network),
        lambda: list(cluster.image.images()),
    ):
        with pytest.raises(exceptions.HttpException, match="401"):
            refused()
    member.compute.delete_server(server)
    wait_volume(cluster, volume, "available")
    cluster.block_storage.delete_volume(volume)


def test_a_server_gets_the_address_of_its_port(member: Connection, network: Network) -> None:
    port = member.network.create_port(network_id=network.id, fixed_ips=[{"ip_address": "10.20.0.77"}])
    keypair = member.compute.create_keypair(name="key")
    server = active(
        member, boot(member, "one", networks=[{"port": port.id}], key_name="key", metadata={"role": "worker"})
    )
    assert server.addresses["nodes"][0]["addr"] == "10.20.0.77"
    assert server.metadata == {"role": "worker"}
    assert server.key_name == keypair.name
    assert member.network.get_port(port).status == "ACTIVE"
    member.compute.delete_server(server)
    member.compute.wait_for_delete(server, interval=0.3, wait=60)
    assert member.network.get_port(port).device_id == "", "a port of one's own outlives the server"


def test_stop_start_and_reboot_change_the_status(member: Connection) -> None:
    server = active(member, boot(member, "one"))
    member.compute.stop_server(server)
    member.compute.wait_for_server(server, status="SHUTOFF", wait=60, interval=0.3)
    member.compute.start_server(server)
    active(member, server)
    member.compute.reboot_server(server, "SOFT")
    active(member, server)


def test_a_router_gives_floating_ips(member: Connection, network: Network) -> None:
    external = member.network.find_network("public")
    router = member.network.create_router(name="edge", external_gateway_info={"network_id": external.id})
    subnet = next(member.network.subnets(network_id=network.id))
    member.network.add_interface_to_router(router, subnet=subnet.id)
    port = member.network.create_port(network_id=network.id)
    address = member.network.create_ip(floating_network_id=external.id, port_id=port.id)
    assert address.status == "ACTIVE"
    assert address.fixed_ip_address == port.fixed_ips[0]["ip_address"]
    assert member.network.get_router(router).status == "ACTIVE"
    with pytest.raises(exceptions.ConflictException):
        member.network.delete_router(router)


def test_security_groups_refer_to_each_other(member: Connection, network: Network) -> None:
    inner = member.network.create_security_group(name="inner")
    outer = member.network.create_security_group(name="outer")
    rule = member.network.create_security_group_rule(
        security_group_id=inner.id,
        direction="ingress",
        protocol="tcp",
        port_range_min=6443,
        port_range_max=6443,
        remote_group_id=outer.id,
    )
    port = member.network.create_port(network_id=network.id, security_groups=[inner.id])
    assert rule.remote_group_id == outer.id
    assert port.security_group_ids == [inner.id]
    with pytest.raises(exceptions.ConflictException):
        member.network.delete_security_group(inner)


def test_ports_take_address_pairs_and_names(member: Connection, network: Network) -> None:
    port = member.network.create_port(
        network_id=network.id, dns_name="worker-1", allowed_address_pairs=[{"ip_address": "10.233.64.0/18"}]
    )
    assert port.allowed_address_pairs[0]["ip_address"] == "10.233.64.0/18"
    assert port.dns_name == "worker-1"


def test_anti_affinity_is_honoured_and_runs_out(records, member: Connection) -> None:
    computes = len(records.state.settings.each_compute())
    group = member.compute.create_server_group(name="spread", policy="anti-affinity")
    hints = {"scheduler_hints": {"group": group.id}}
    servers = [boot(member, f"node-{number}", **hints) for number in range(computes)]
    for server in servers:
        active(member, server)
    places = [
        server.hypervisor_hostname
        for server in records.connect(admin=True).compute.servers(all_projects=True)
    ]
    assert len(set(places)) == computes
    assert "No valid host" in why_not(member, boot(member, "one-too-many", **hints))


def test_zones_hold_their_servers(records, member: Connection) -> None:
    for zone in ("zone-a", "zone-b"):
        server = active(member, boot(member, f"in-{zone}", availability_zone=zone))
        assert member.compute.get_server(server).availability_zone == zone
    zones = Counter(compute.zone for compute in records.state.settings.each_compute())
    assert zones.keys() == {each.name for each in member.compute.availability_zones()}


def test_gpus_are_scarce(records, member: Connection) -> None:
    gpus = sum(compute.gpus for compute in records.state.settings.each_compute())
    for number in range(gpus):
        active(member, boot(member, f"gpu-{number}", "g1.xlarge"))
    assert "No valid host" in why_not(member, boot(member, "no-gpu-left", "g1.xlarge"))


def test_a_volume_is_attached_and_given_back(member: Connection) -> None:
    server = active(member, boot(member, "one"))
    volume = member.block_storage.create_volume(name="data", size=3, volume_type="fast")
    wait_volume(member, volume, "available")
    member.compute.create_volume_attachment(server, volume_id=volume.id)
    wait_volume(member, volume, "in-use")
    attached = member.block_storage.get_volume(volume)
    assert attached.attachments[0]["device"] == "/dev/vdb"
    assert attached.volume_type == "fast"
    with pytest.raises(exceptions.BadRequestException):
        member.block_storage.delete_volume(volume)
    member.compute.delete_volume_attachment(server, volume.id)
    wait_volume(member, volume, "available")


def test_snapshots_and_clones_keep_the_size(member: Connection) -> None:
    volume = member.block_storage.create_volume(name="data", size=2)
    wait_volume(member, volume, "available")
    snapshot = member.block_storage.create_snapshot(volume_id=volume.id, name="yesterday")
    member.block_storage.wait_for_status(snapshot, "available", interval=0.3, wait=60)
    clone = member.block_storage.create_volume(snapshot_id=snapshot.id, size=4)
    wait_volume(member, clone, "available")
    member.block_storage.extend_volume(volume, 3)
    wait_volume(member, volume, "available")
    assert member.block_storage.get_volume(volume).size == 3
    member.block_storage.delete_volume(clone)


def test_a_server_boots_from_a_volume(member: Connection) -> None:
    mapping = {
        "boot_index": 0,
        "uuid": image_id(member),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 5,
        "delete_on_termination": False,
    }
    server = active(member, boot(member, "one", block_device_mapping=[mapping]))
    volume = next(iter(member.block_storage.volumes()))
    assert volume.is_bootable
    assert volume.attachments[0]["server_id"] == server.id
    member.compute.delete_server(server)
    member.compute.wait_for_delete(server, interval=0.3, wait=60)
    wait_volume(member, volume, "available")


def test_quotas_are_finite(records, member: Connection, network: Network) -> None:
    quotas = records.state.settings.quotas
    with pytest.raises(exceptions.ForbiddenException, match="Quota exceeded for"):
        boot(member, "too-many", "m1.2xlarge", min_count=quotas.cores // 16 + 1)
    with pytest.raises(exceptions.HttpException, match="exceeds allowed gigabytes quota"):
        member.block_storage.create_volume(name="too-big", size=quotas.gigabytes + 1)
    external = member.network.find_network("public")
    for _ in range(quotas.floating_ips):
        member.network.create_ip(floating_network_id=external.id)
    with pytest.raises(
        exceptions.ConflictException, match="Quota exceeded for resources: \\['floatingip'\\]"
    ):
        member.network.create_ip(floating_network_id=external.id)
    limits = member.compute.get_limits().absolute
    assert limits.total_cores == quotas.cores
    details = member.network.get_quota(member.current_project_id, details=True)
    assert details.floating_ips["used"] == quotas.floating_ips


def test_projects_do_not_see_each_other(records, member: Connection, network: Network) -> None:
    server = active(member, boot(member, "mine", networks=[{"uuid": network.id}]))
    admin = records.connect(admin=True)
    project = admin.identity.create_project(name="others", domain_id="default")
    user = admin.identity.create_user(name="other", password="not-a-secret", domain_id="default")
    role = admin.identity.find_role("member")
    admin.identity.assign_project_role_to_user(project, user, role)
    from terp.cloud.seed import connect

    other = connect(records.state, "other", "others", "not-a-secret")
    try:
        assert list(other.compute.servers()) == []
        assert network.id not in {each.id for each in other.network.networks()}
        with pytest.raises(exceptions.NotFoundException):
            other.compute.get_server(server.id)
    finally:
        admin.identity.delete_user(user)
        admin.identity.delete_project(project)


def test_load_balancers_are_built_changed_and_counted(records, member: Connection, network: Network) -> None:
    balancers = member.load_balancer

    def settled() -> bool:
        return balancers.get_load_balancer(balancer.id).provisioning_status == "ACTIVE"

    def wait() -> None:
        wait_for("the load balancer", settled, 60, 0.2)

    balancer = balancers.create_load_balancer(name="api", vip_subnet_id=network.subnet_ids[0])
    wait()
    listener = balancers.create_listener(
        load_balancer_id=balancer.id, protocol="TCP", protocol_port=6443, allowed_cidrs=["192.0.2.0/24"]
    )
    wait()
    pool = balancers.create_pool(listener_id=listener.id, protocol="TCP", lb_algorithm="LEAST_CONNECTIONS")
    wait()
    one = balancers.create_member(pool, address="10.20.0.50", protocol_port=6443)
    wait()
    monitor = balancers.create_health_monitor(pool_id=pool.id, type="TCP", delay=5, timeout=3, max_retries=2)
    wait()
    port = member.network.get_port(balancer.vip_port_id)
    assert port.device_owner == "Octavia"
    assert port.is_admin_state_up
    with pytest.raises(exceptions.HttpException, match="is not offered here"):
        balancers.create_listener(load_balancer_id=balancer.id, protocol="UDP", protocol_port=53)
    for remove in (
        lambda: balancers.delete_health_monitor(monitor),
        lambda: balancers.delete_member(one, pool),
        lambda: balancers.delete_pool(pool),
    ):
        remove()
        wait()
    assert list(balancers.pools()) == []
    balancers.delete_load_balancer(balancer, cascade=True)
    wait_for("it to be gone", lambda: not list(balancers.load_balancers()), 30, 0.2)
    with pytest.raises(exceptions.NotFoundException):
        member.network.get_port(port.id)
    for number in range(records.state.settings.quotas.load_balancers):
        balancers.create_load_balancer(name=f"lb-{number}", vip_subnet_id=network.subnet_ids[0])
    with pytest.raises(exceptions.HttpException, match=r"(?i)quota"):
        balancers.create_load_balancer(name="one-too-many", vip_subnet_id=network.subnet_ids[0])
    for each in list(balancers.load_balancers()):
        balancer = each
        wait()
    for each in list(balancers.load_balancers()):
        balancers.delete_load_balancer(each, cascade=True)
    wait_for("all to be gone", lambda: not list(balancers.load_balancers()), 60, 0.3)
