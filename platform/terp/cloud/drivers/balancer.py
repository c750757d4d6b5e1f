"""Octavia provider driver: says what is offered; the worker follows Octavia's database."""

from typing import Any

from octavia_lib.api.drivers import exceptions, provider_base

from terp.cloud.balancer.model import ALGORITHMS, MONITORS, PROTOCOLS


def _offered(what: str, value: Any, offered: Any) -> None:
    """Refuse what the engine cannot do.

    Raises:
        UnsupportedOptionError: with a text for the user.
    """
    if isinstance(value, str) and value not in offered:
        said = f"{what} {value} is not offered here; choose one of {', '.join(offered)}"
        raise exceptions.UnsupportedOptionError(user_fault_string=said, operator_fault_string=said)


def _check_listener(listener: Any) -> None:
    _offered("listener protocol", listener.protocol, PROTOCOLS)


def _check_pool(pool: Any) -> None:
    _offered("pool protocol", pool.protocol, PROTOCOLS)
    _offered("algorithm", pool.lb_algorithm, ALGORITHMS)
    persistence = pool.session_persistence
    if isinstance(persistence, dict):
        _offered("session persistence", persistence.get("type"), ("SOURCE_IP",))


def _check_monitor(monitor: Any) -> None:
    _offered("health monitor", monitor.type, MONITORS)


class TerpProviderDriver(provider_base.ProviderDriver):
    """TCP and HTTP through HAProxy. What is not overridden here is refused: layer 7 policies, failover."""

    def loadbalancer_create(self, loadbalancer: Any) -> None:
        """Accepted; perhaps a whole tree at once."""
        for listener in loadbalancer.listeners or ():
            if not isinstance(listener, dict):
                _check_listener(listener)

    def loadbalancer_update(self, old_loadbalancer: Any, new_loadbalancer: Any) -> None:
        """Accepted."""

    def loadbalancer_delete(self, loadbalancer: Any, cascade: bool = False) -> None:
        """Accepted."""

    def listener_create(self, listener: Any) -> None:
        """Accepted when its protocol is offered."""
        _check_listener(listener)

    def listener_update(self, old_listener: Any, new_listener: Any) -> None:
        """Accepted."""

    def listener_delete(self, listener: Any) -> None:
        """Accepted."""

    def pool_create(self, pool: Any) -> None:
        """Accepted when protocol, algorithm and persistence are offered."""
        _check_pool(pool)

    def pool_update(self, old_pool: Any, new_pool: Any) -> None:
        """Accepted when what changes is offered."""
        _check_pool(new_pool)

    def pool_delete(self, pool: Any) -> None:
        """Accepted."""

    def member_create(self, member: Any) -> None:
        """Accepted."""

    def member_update(self, old_member: Any, new_member: Any) -> None:
        """Accepted."""

    def member_batch_update(self, pool_id: str, members: Any) -> None:
        """Accepted."""

    def member_delete(self, member: Any) -> None:
        """Accepted."""

    def health_monitor_create(self, healthmonitor: Any) -> None:
        """Accepted when its type is offered."""
        _check_monitor(healthmonitor)

    def health_monitor_update(self, old_healthmonitor: Any, new_healthmonitor: Any) -> None:
        """Accepted."""

    def health_monitor_delete(self, healthmonitor: Any) -> None:
        """Accepted."""
