"""The OpenStack provider of an environment."""

import re

import pulumi_openstack as openstack

from terp.environment import Environment

ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
RETRIES = 0
"""Times that the provider repeats a request whose connection failed: it would also repeat one that makes
something, which may be there already when only the answer was lost. `terp up` sweeps and goes on.

It has no setting for how long a request may take: one that hangs ends with the time that its resource has for
the operation (terraform-provider-openstack 3.4.0: 5 to 30 minutes; 20 by its SDK where it names none)."""


def provider(environment: Environment) -> openstack.Provider:
    """The provider with the credential that clouds.yaml has for the cloud."""
    cloud = environment.cloud
    return openstack.Provider(cloud.name, cloud=cloud.name, region=cloud.region, max_retries=RETRIES)


def is_id(reference: str) -> bool:
    """Whether something is referred to by id rather than by name."""
    return ID.fullmatch(reference) is not None


def id_or_name(reference: str) -> tuple[str | None, str | None]:
    """What a reference is, for lookups that take an id or a name."""
    return (reference, None) if is_id(reference) else (None, reference)
