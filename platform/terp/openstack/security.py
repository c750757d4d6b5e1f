"""The security groups of an environment; which they are says `firewall`."""

from collections.abc import Iterable

import pulumi
import pulumi_openstack as openstack
from pulumi import Input, InvokeOptions, Output, ResourceOptions

from terp.environment import Environment
from terp.openstack.firewall import SecurityGroup, SecurityRule, groups_of, security_groups
from terp.openstack.marks import Marks
from terp.openstack.provider import is_id


class SecurityGroups(pulumi.ComponentResource):
    """One group for each role, without the rules that Neutron gives to every new group."""

    def __init__(self, stack: str, environment: Environment, opts: ResourceOptions | None = None) -> None:
        super().__init__("terp:openstack:SecurityGroups", "security-groups", {}, opts)
        self._marks = Marks(stack=stack, owner=environment.owner)
        self._options = ResourceOptions(parent=self)
        wanted = security_groups(stack, environment)
        self._groups = {group.name: self._group(stack, group) for group in wanted}
        for group in wanted:
            for rule in group.rules:
                self._rule(group, rule)
        self.register_outputs({})

    def ids(self, group: str, role: str, existing: Iterable[str]) -> list[Input[str]]:
        """The groups that a group's servers are in: those of their role, and existing ones by name or id."""
        mine = groups_of(group, role, self._groups)
        return [*(self._groups[name].id for name in mine), *map(self._look_up, existing)]

    def _look_up(self, reference: str) -> Input[str]:
        if is_id(reference):
            return reference
        found: Output[openstack.networking.GetSecGroupResult] = openstack.networking.get_sec_group_output(
            name=reference, opts=InvokeOptions(parent=self)
        )
        return found.id

    def _group(self, stack: str, group: SecurityGroup) -> openstack.networking.SecGroup:
        return openstack.networking.SecGroup(
            group.name,
            name=f"{stack}-{group.name}",
            description=self._marks.description,
            delete_default_rules=True,
            tags=self._marks.tags(group.name),
            opts=self._options,
        )

    def _rule(self, group: SecurityGroup, rule: SecurityRule) -> None:
        openstack.networking.SecGroupRule(
            f"{group.name}-{rule.key}",
            security_group_id=self._groups[group.name].id,
            direction=rule.direction,
            ethertype=rule.ethertype,
            protocol=rule.protocol,
            port_range_min=rule.ports[0] if rule.ports else None,
            port_range_max=rule.ports[1] if rule.ports else None,
            remote_ip_prefix=str(rule.cidr) if rule.cidr else None,
            remote_group_id=self._groups[rule.group].id if rule.group else None,
            description=self._marks.description,
            opts=self._options,
        )
