"""Makes the machine look like Octavia's database says: level-triggered, as the data plane is."""

import threading
import time
from typing import Any

import openstack
from oslo_log import log as logging

from terp.cloud.balancer.instance import Instance, VipPort
from terp.cloud.balancer.model import LoadBalancer
from terp.cloud.balancer.octavia import GONE, Records
from terp.cloud.configuration import DOMAIN, REGION
from terp.cloud.state import State
from terp.errors import TerpError

LOG = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between two looks for new work."""
WATCH_EVERY = 3.0
"""Seconds between two looks at members, and at whether every HAProxy still runs."""


class Worker:
    """The provider's other half. Without hosts it only keeps the records."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._records = Records()
        self._neutron: Any = None

    def start(self) -> None:
        """Work in the background until the process ends."""
        threading.Thread(target=self._run, name="load-balancers", daemon=True).start()

    def _run(self) -> None:
        watched = 0.0
        while True:
            try:
                for balancer in self._records.pending():
                    self._settle(balancer)
                if time.monotonic() - watched > WATCH_EVERY:
                    watched = time.monotonic()
                    for balancer in self._records.active():
                        self._watch(balancer)
            except Exception:  # the database may be away for a while: the next round sees it again
                LOG.exception("load balancers: trying again")
            time.sleep(EVERY)

    def _settle(self, balancer: str) -> None:
        asked, status = self._records.read(balancer)
        if status == GONE:
            self._remove(asked)
            self._records.delete(balancer)
            return
        try:
            self._apply(asked)
        except (TerpError, openstack.exceptions.SDKException):
            LOG.exception("load balancer %s", balancer)
            self._records.fail(balancer)
        else:
            self._records.settle(balancer)

    def _apply(self, asked: LoadBalancer) -> None:
        network = self._network()
        port = network.get_port(asked.vip_port)
        network.update_port(
            port,
            security_groups=[self._firewall(asked)],
            admin_state_up=True,  # Octavia makes it as a mere reservation of the address
        )
        if self._state.ground.hosts:
            self._instance(asked.id).apply(asked, self._vip(port))

    def _vip(self, port: Any) -> VipPort:
        network = self._network()
        fixed = port.fixed_ips[0]
        subnet = network.get_subnet(fixed["subnet_id"])
        return VipPort(
            id=port.id,
            mac=port.mac_address,
            network=port.network_id,
            mtu=network.get_network(port.network_id).mtu,
            address=fixed["ip_address"],
            cidr=subnet.cidr,
            gateway=subnet.gateway_ip,
        )

    def _firewall(self, asked: LoadBalancer) -> str:
        """Id of the security group that lets through what the listeners take, and nothing else."""
        network = self._network()
        name = f"lb-{asked.id}"
        group = network.find_security_group(name) or network.create_security_group(name=name)
        wanted = {
            (listener.port, cidr)
            for listener in asked.listeners
            for cidr in listener.allowed_cidrs or ("0.0.0.0/0",)
        }
        for rule in list(network.security_group_rules(security_group_id=group.id, direction="ingress")):
            if (rule.port_range_min, rule.remote_ip_prefix) in wanted:
                wanted.discard((rule.port_range_min, rule.remote_ip_prefix))
            else:
                network.delete_security_group_rule(rule)
        for port, cidr in sorted(wanted):
            network.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ethertype="IPv6" if ":" in cidr else "IPv4",
                protocol="tcp",
                port_range_min=port,
                port_range_max=port,
                remote_ip_prefix=cidr,
            )
        return str(group.id)

    def _remove(self, asked: LoadBalancer) -> None:
        network = self._network()
        if self._state.ground.hosts:
            self._instance(asked.id).remove(asked.vip_port)
        port = network.find_port(asked.vip_port)
        if port and port.device_owner == "Octavia":
            network.delete_port(port)
        elif port:
            network.update_port(port, security_groups=[])
        group = network.find_security_group(f"lb-{asked.id}")
        if group:
            network.delete_security_group(group)

    def _watch(self, balancer: str) -> None:
        if not self._state.ground.hosts:
            return
        instance = self._instance(balancer)
        asked, _ = self._records.read(balancer)
        if not instance.runs() and any(listener.enabled for listener in asked.listeners):
            self._apply(asked)
        states = instance.member_states()
        if states:
            self._records.operating(balancer, states)

    def _instance(self, balancer: str) -> Instance:
        return Instance(self._state.ground.place, balancer)

    def _network(self) -> Any:
        if self._neutron is None:
            self._neutron = openstack.connect(
                auth_url=self._state.url("keystone", "/v3"),
                username="octavia",
                password=self._state.password("service"),
                project_name="service",
                user_domain_name=DOMAIN,
                project_domain_name=DOMAIN,
                region_name=REGION,
                load_yaml_config=False,
                load_envvars=False,
                api_timeout=60,
            ).network
        return self._neutron
