"""Reads what Neutron says from its database (OpenStack 2026.2).

The columns below are all that the data plane knows of Neutron's schema; from them come both the reading and a
fingerprint of exactly what is read, which is cheap enough to be polled several times a second.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pymysql
import pymysql.cursors

from terp.cloud.network.model import (
    AddressGroup,
    AddressPair,
    FixedAddress,
    FloatingIP,
    Network,
    Port,
    Route,
    Router,
    Rule,
    SecurityGroup,
    Snapshot,
    Subnet,
)

Value = str | int | None
Row = Mapping[str, Value]

COLUMNS = {
    "networks": "id mtu",
    "externalnetworks": "network_id",
    "subnets": "id network_id cidr gateway_ip",
    "ports": "id network_id mac_address admin_state_up device_id device_owner",
    "portsecuritybindings": "port_id port_security_enabled",
    "portdnses": "port_id dns_name",
    "ipallocations": "port_id ip_address subnet_id",
    "allowedaddresspairs": "port_id mac_address ip_address",
    "securitygroups": "id stateful",
    "securitygroupportbindings": "port_id security_group_id",
    "securitygrouprules": "id security_group_id direction ethertype protocol port_range_min port_range_max "
    "remote_ip_prefix remote_group_id remote_address_group_id",
    "address_associations": "address_group_id address",
    "routers": "id admin_state_up enable_snat",
    "routerroutes": "router_id destination nexthop",
    "floatingips": "floating_ip_address fixed_ip_address router_id",
}
"""What is read of each table."""
TIMEOUT = 10
"""Seconds for one question to the database."""
UNREACHABLE = (pymysql.err.MySQLError, OSError)
"""What reading raises while the database is away."""


class Neutron:
    """Neutron's database, over a unix socket. A lost connection is made again by the next question."""

    def __init__(self, socket: Path, password: str) -> None:
        self._socket = socket
        self._password = password
        self._connection: pymysql.connections.Connection | None = None

    def fingerprint(self) -> str:
        """Changes when what `read` would return changes.

        Raises:
            MySQLError, OSError: the database is away.
        """
        with self._cursor() as cursor:
            cursor.execute(FINGERPRINT)
            return "/".join(str(value) for value in cursor.fetchone().values())

    def read(self) -> Snapshot:
        """One consistent reading.

        Raises:
            MySQLError, OSError: the database is away.
        """
        tables: dict[str, list[Row]] = {}
        with self._cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            for table, columns in COLUMNS.items():
                cursor.execute(f"SELECT {', '.join(columns.split())} FROM {table}")  # noqa: S608 constants
                tables[table] = list(cursor.fetchall())
            cursor.execute("COMMIT")
        return snapshot(tables)

    @contextmanager
    def _cursor(self) -> Iterator[pymysql.cursors.DictCursor]:
        try:
            if self._connection is None:
                self._connection = pymysql.connect(
                    unix_socket=str(self._socket),
                    user="root",
                    password=self._password,
                    database="neutron",
                    autocommit=True,
                    cursorclass=pymysql.cursors.DictCursor,
                    connect_timeout=TIMEOUT,
                    read_timeout=TIMEOUT,
                    write_timeout=TIMEOUT,
                )
            with self._connection.cursor() as cursor:
                yield cursor
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()


def _fingerprint() -> str:
    parts = []
    for table, columns in COLUMNS.items():
        row = ", ".join(f"COALESCE({column}, '~')" for column in columns.split())
        digest = f"CRC32(CONCAT_WS('|', {row}))"
        parts.append(
            f"(SELECT CONCAT_WS('.', COUNT(*), COALESCE(SUM({digest}), 0), COALESCE(BIT_XOR({digest}), 0)) "  # noqa: S608
            f"FROM {table}) AS {table}"
        )
    return f"SELECT {', '.join(parts)}"


FINGERPRINT = _fingerprint()


def snapshot(tables: Mapping[str, list[Row]]) -> Snapshot:
    """The tables' rows in the words of the model."""
    external = {row["network_id"] for row in tables["externalnetworks"]}
    secured = {row["port_id"]: bool(row["port_security_enabled"]) for row in tables["portsecuritybindings"]}
    names = {row["port_id"]: _text(row, "dns_name") for row in tables["portdnses"]}
    fixed = _by(tables["ipallocations"], "port_id")
    pairs = _by(tables["allowedaddresspairs"], "port_id")
    groups = _by(tables["securitygroupportbindings"], "port_id")
    routes = _by(tables["routerroutes"], "router_id")
    listed = _by(tables["address_associations"], "address_group_id")
    return Snapshot(
        networks=tuple(
            Network(id=_text(row, "id"), mtu=_number(row, "mtu") or 1500, external=row["id"] in external)
            for row in tables["networks"]
        ),
        subnets=tuple(
            Subnet(
                id=_text(row, "id"),
                network=_text(row, "network_id"),
                cidr=_text(row, "cidr"),
                gateway=_text(row, "gateway_ip") or None,
            )
            for row in tables["subnets"]
        ),
        ports=tuple(
            Port(
                id=_text(row, "id"),
                network=_text(row, "network_id"),
                mac=_text(row, "mac_address").lower(),
                device=_text(row, "device_id"),
                owner=_text(row, "device_owner"),
                up=bool(row["admin_state_up"]),
                secured=secured.get(row["id"], True),
                addresses=tuple(
                    FixedAddress(address=_text(each, "ip_address"), subnet=_text(each, "subnet_id"))
                    for each in fixed.get(row["id"], ())
                ),
                pairs=tuple(
                    AddressPair(mac=_text(each, "mac_address").lower(), cidr=_text(each, "ip_address"))
                    for each in pairs.get(row["id"], ())
                ),
                groups=tuple(_text(each, "security_group_id") for each in groups.get(row["id"], ())),
                name=names.get(row["id"], ""),
            )
            for row in tables["ports"]
        ),
        groups=tuple(
            SecurityGroup(id=_text(row, "id"), stateful=bool(row["stateful"]))
            for row in tables["securitygroups"]
        ),
        rules=tuple(
            _rule(row) for row in tables["securitygrouprules"] if row["ethertype"] in ("IPv4", "IPv6")
        ),
        address_groups=tuple(
            AddressGroup(id=str(group), addresses=tuple(_text(row, "address") for row in rows))
            for group, rows in listed.items()
        ),
        routers=tuple(
            Router(
                id=_text(row, "id"),
                up=bool(row["admin_state_up"]),
                snat=bool(row["enable_snat"]),
                routes=tuple(
                    Route(destination=_text(each, "destination"), nexthop=_text(each, "nexthop"))
                    for each in routes.get(row["id"], ())
                ),
            )
            for row in tables["routers"]
        ),
        floating_ips=tuple(
            FloatingIP(
                address=_text(row, "floating_ip_address"),
                fixed_address=_text(row, "fixed_ip_address"),
                router=_text(row, "router_id"),
            )
            for row in tables["floatingips"]
            if row["fixed_ip_address"] and row["router_id"]
        ),
    )


def _rule(row: Row) -> Rule:
    return Rule.model_validate(
        {
            "group": row["security_group_id"],
            "direction": row["direction"],
            "ethertype": row["ethertype"],
            "protocol": row["protocol"],
            "low": row["port_range_min"],
            "high": row["port_range_max"],
            "prefix": row["remote_ip_prefix"],
            "remote_group": row["remote_group_id"],
            "remote_addresses": row["remote_address_group_id"],
        }
    )


def _by(rows: list[Row], key: str) -> dict[Value, list[Row]]:
    found: dict[Value, list[Row]] = {}
    for row in sorted(rows, key=lambda row: [str(value) for value in row.values()]):
        found.setdefault(row[key], []).append(row)
    return found


def _text(row: Row, column: str) -> str:
    return cast("str", row[column]) if row[column] is not None else ""


def _number(row: Row, column: str) -> int:
    return int(row[column] or 0)
