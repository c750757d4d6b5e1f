"""The cluster's own credential for OpenStack: an application credential of an entry of clouds.yaml."""

from terp.environment.environment import Environment
from terp.environment.rules.variables import CREDENTIAL, OF_OPENSTACK
from terp.errors import TerpError
from terp.kubernetes.variables import secret_names


def credentials(environment: Environment) -> dict[str, str]:
    """The values of the secret variables that come from it, by name; none when nothing asks OpenStack.

    Raises:
        TerpError: there is no such entry, or it has no application credential (exit code 2).
    """
    openstack = environment.kubernetes.openstack
    if openstack is None:
        return {}
    from terp.openstack.connection import connect  # with OpenStack's SDK: a second that others save

    region = connect(environment.cloud.model_copy(update={"name": openstack.credential})).config
    entry = {**region.config.get("auth", {}), "region": region.region_name}
    if missing := [name for name in CREDENTIAL if not entry.get(name)]:
        raise TerpError(
            f"clouds.yaml: cloud {openstack.credential!r} has no {', '.join(missing)}",
            hint="kubernetes.openstack.credential must name an application credential: id, name and secret",
            exit_code=2,
        )
    values = {f"{whose}_{name}": str(entry[name]) for whose in OF_OPENSTACK for name in CREDENTIAL}
    return {name: value for name, value in values.items() if name in secret_names(environment)}
