"""The kinds of value that an environment file is made of."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
"""A DNS label (RFC 1123), in lower case as Kubernetes wants node names."""
QUALIFIED = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
"""A key of a Kubernetes label or taint: a name of up to 63 characters, perhaps with a DNS name before it."""

Name = Annotated[str, StringConstraints(pattern=rf"^{LABEL}$", max_length=63)]
PoolName = Annotated[str, StringConstraints(pattern=rf"^[a-z]({LABEL})?$", max_length=20)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""Name or id of something that the cloud has already."""
DomainName = Annotated[str, StringConstraints(pattern=rf"^{LABEL}(\.{LABEL})*\.?$", max_length=253)]
MountPoint = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+[A-Za-z0-9]$")]
LabelKey = Annotated[str, StringConstraints(pattern=rf"^{QUALIFIED}$", max_length=317)]
LabelValue = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$", max_length=63)
]
PublicKey = Annotated[
    str, StringConstraints(pattern=r"^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-\S+) [A-Za-z0-9+/=]+( .*)?$")
]
Port = Annotated[int, Field(ge=1, le=65_535)]
Gibibytes = Annotated[int, Field(ge=1, le=65_536)]
Cidr = IPv4Network | IPv6Network
FloatingIp = Literal["none", "new"] | IPv4Address
"""No floating IP, a new one, or one that the project has reserved."""
