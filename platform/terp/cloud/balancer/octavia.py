"""Octavia's database as load balancer models, and the statuses that go back into it.

Octavia 19 leaves to the provider: the removal of what is PENDING_DELETE, the statuses, and the quotas in use.
"""

from collections.abc import Callable
from typing import Any

from octavia.common import constants
from octavia.common import data_models as data
from octavia.db import api as database
from octavia.db import models as tables
from octavia.db import repositories

from terp.cloud.balancer.model import Listener, LoadBalancer, Member, Monitor, Pool

PENDING = (constants.PENDING_CREATE, constants.PENDING_UPDATE, constants.PENDING_DELETE)
GONE = constants.PENDING_DELETE
KINDS = {
    tables.Pool: data.Pool,
    tables.Member: data.Member,
    tables.HealthMonitor: data.HealthMonitor,
    tables.Listener: data.Listener,
}
"""What Octavia counts against quotas."""


class Records:
    """One transaction a method; a lost connection is an exception of SQLAlchemy."""

    def __init__(self) -> None:
        self._repositories = repositories.Repositories()

    def pending(self) -> list[str]:
        """Ids of the load balancers that wait for their provider."""
        with database.session()() as session:
            found = session.query(tables.LoadBalancer.id).filter(
                tables.LoadBalancer.provisioning_status.in_(PENDING)
            )
            return [row.id for row in found]

    def active(self) -> list[str]:
        """Ids of the load balancers that should be running."""
        with database.session()() as session:
            found = session.query(tables.LoadBalancer.id).filter(
                tables.LoadBalancer.provisioning_status == constants.ACTIVE
            )
            return [row.id for row in found]

    def read(self, balancer: str) -> tuple[LoadBalancer, str]:
        """A load balancer without what is to be deleted, and its provisioning status."""
        with database.session()() as session:
            row = session.get(tables.LoadBalancer, balancer)
            return _load_balancer(row), row.provisioning_status

    def settle(self, balancer: str) -> None:
        """What was asked for is done: delete what was to go, the rest is ACTIVE."""
        with database.session().begin() as session:
            row = session.get(tables.LoadBalancer, balancer)
            for listener in row.listeners:
                _settled(listener)
            for pool in row.pools:
                _settled(pool)
                for member in pool.members:
                    _settled(member)
                if pool.health_monitor:
                    _settled(pool.health_monitor)
            row.provisioning_status = constants.ACTIVE
            row.operating_status = constants.ONLINE if row.enabled else constants.OFFLINE
            self._delete(session, row, lambda each: each.provisioning_status == GONE)

    def delete(self, balancer: str) -> None:
        """The load balancer and everything of it is gone."""
        with database.session().begin() as session:
            row = session.get(tables.LoadBalancer, balancer)
            self._delete(session, row, lambda _: True)
            row.provisioning_status = constants.DELETED
            self._repositories.decrement_quota(session, data.LoadBalancer, row.project_id)

    def fail(self, balancer: str) -> None:
        """What was asked for could not be done."""
        with database.session().begin() as session:
            row = session.get(tables.LoadBalancer, balancer)
            row.provisioning_status = constants.ERROR

    def operating(self, balancer: str, members: dict[str, str]) -> None:
        """Write what is known of the members, and what follows for their pools."""
        with database.session().begin() as session:
            row = session.get(tables.LoadBalancer, balancer)
            for pool in row.pools:
                for member in pool.members:
                    member.operating_status = members.get(member.id, member.operating_status)
                pool.operating_status = _pool_status([member.operating_status for member in pool.members])

    def _delete(self, session: Any, balancer: Any, which: Callable[[Any], bool]) -> None:
        for pool in list(balancer.pools):
            children = [*pool.members, *([pool.health_monitor] if pool.health_monitor else [])]
            if which(pool):
                for listener in pool._default_listeners:
                    listener.default_pool_id = None
                session.flush()
                self._drop(session, pool, *children)  # the children go with it
            else:
                for child in filter(which, children):
                    self._drop(session, child)
        for listener in filter(which, list(balancer.listeners)):
            self._drop(session, listener)

    def _drop(self, session: Any, row: Any, *counted: Any) -> None:
        for each in (row, *counted):
            self._repositories.decrement_quota(session, KINDS[type(each)], each.project_id)
        session.delete(row)


def _settled(row: Any) -> None:
    if row.provisioning_status != GONE:
        row.provisioning_status = constants.ACTIVE
        if row.operating_status == constants.OFFLINE and row.enabled:
            row.operating_status = constants.ONLINE


def _pool_status(members: list[str]) -> str:
    bad = [status for status in members if status == constants.ERROR]
    if not bad:
        return str(constants.ONLINE)
    return str(constants.ERROR if len(bad) == len(members) else constants.DEGRADED)


def _kept(rows: Any) -> list[Any]:
    return [row for row in rows if row.provisioning_status != GONE]


def _load_balancer(row: Any) -> LoadBalancer:
    return LoadBalancer(
        id=row.id,
        project=row.project_id,
        vip_port=row.vip.port_id,
        enabled=row.enabled,
        listeners=tuple(_listener(each) for each in _kept(row.listeners)),
        pools=tuple(_pool(each) for each in _kept(row.pools)),
    )


def _listener(row: Any) -> Listener:
    return Listener(
        id=row.id,
        protocol=row.protocol,
        port=row.protocol_port,
        enabled=row.enabled,
        pool=row.default_pool_id,
        connections=row.connection_limit or -1,
        client_timeout=row.timeout_client_data,
        connect_timeout=row.timeout_member_connect,
        member_timeout=row.timeout_member_data,
        allowed_cidrs=tuple(each.cidr for each in row.allowed_cidrs),
    )


def _pool(row: Any) -> Pool:
    monitor = row.health_monitor
    if monitor is not None and (monitor.provisioning_status == GONE or not monitor.enabled):
        monitor = None
    return Pool(
        id=row.id,
        protocol=row.protocol,
        algorithm=row.lb_algorithm,
        members=tuple(_member(each) for each in _kept(row.members)),
        monitor=_monitor(monitor) if monitor is not None else None,
        sticky=row.session_persistence is not None,
    )


def _member(row: Any) -> Member:
    return Member(
        id=row.id,
        address=row.ip_address,
        port=row.protocol_port,
        weight=row.weight,
        backup=row.backup,
        enabled=row.enabled,
        monitor_address=row.monitor_address,
        monitor_port=row.monitor_port,
    )


def _monitor(row: Any) -> Monitor:
    return Monitor(
        type=row.type,
        delay=row.delay,
        timeout=row.timeout,
        rise=row.rise_threshold,
        fall=row.fall_threshold,
        method=row.http_method,
        path=row.url_path,
        codes=row.expected_codes,
    )
