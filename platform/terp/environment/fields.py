"""The kinds of value that an environment file is made of."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue, StringConstraints, WithJsonSchema

LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
"""A DNS label (RFC 1123), in lower case as Kubernetes wants node names."""
QUALIFIED = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
"""A key of a Kubernetes label or taint: a name of up to 63 characters, perhaps with a DNS name before it."""
NAME = rf"^{LABEL}$"
POOL_NAME = rf"^[a-z]({LABEL})?$"
REFERENCE = r"^\S(.*\S)?$"
DOMAIN_NAME = rf"^{LABEL}(\.{LABEL})*\.?$"
MOUNT_POINT = r"^/[A-Za-z0-9._/-]+[A-Za-z0-9]$"
BUCKET = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"
LABEL_KEY = rf"^{QUALIFIED}$"
LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$"
PUBLIC_KEY = r"^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-\S+) [A-Za-z0-9+/=]+( .*)?$"
CERTIFICATES = r"^-----BEGIN CERTIFICATE-----"
VERSION = r"^\d+\.\d+\.\d+$"
TAG = r"^v\d+\.\d+\.\d+$"
COMMIT = r"^[0-9a-f]{40}$"
HTTPS = r"^https://[^\s/?#@]+(/[^\s?#]*)?$"
HTTP = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
ORIGIN = r"^https?://[^\s/?#@]+$"
OCI = rf"^oci://{LABEL}(\.{LABEL})*(:\d+)?(/[a-z0-9._-]+)*$"
REGISTRY = rf"^{LABEL}(\.{LABEL})*(:\d+)?$"
CPU = r"^\d+m?$"
QUANTITY = r"^\d+([KMGT]i?)?$"
PERCENT = r"^([1-9]\d?|100)%$"
THRESHOLD = r"^\d+([KMGT]i?|%)?$"
ANSIBLE_TAG = r"^[A-Za-z0-9_-]+$"
EMAIL = rf"^[a-z0-9._%+-]+@{LABEL}(\.{LABEL})+$"
SHARE = r"^(whole|shared|mig-[1-7]g\.\d{1,3}gb)$"
"""Of a GPU; slices have the names that NVIDIA's device plugin gives them."""
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
AGE_RECIPIENT = r"^age1[02-9ac-hj-np-z]{58}$"
FORMS = {
    NAME: 'a name of a-z, 0-9 and "-" (RFC 1123), with a letter or digit at both ends,',
    POOL_NAME: 'a name of a-z, 0-9 and "-" (RFC 1123) that begins with a letter and has no "-" at its end,',
    REFERENCE: "text in one line",
    DOMAIN_NAME: 'a DNS name in lower case, such as "ml.example.org",',
    MOUNT_POINT: 'a directory from "/", such as "/var/lib/data"',
    BUCKET: 'a bucket, perhaps with a prefix, such as "s3://backup/terp",',
    LABEL_KEY: 'a Kubernetes key, such as "example.org/disk",',
    LABEL_VALUE: 'a Kubernetes value: letters, digits, "-", "_", "."; a letter or digit at both ends;',
    PUBLIC_KEY: 'an OpenSSH public key in one line, such as "ssh-ed25519 AAAA... name"',
    CERTIFICATES: 'PEM certificates, the first line "-----BEGIN CERTIFICATE-----"',
    VERSION: 'a version of three numbers, such as "1.35.4",',
    TAG: 'a tag of Kubespray, such as "v2.31.0",',
    COMMIT: "a commit in full: 40 digits of 0-9 and a-f,",
    HTTPS: 'an address with https and without a password, such as "https://login.example.org",',
    HTTP: 'an address without a password, such as "https://mirror.example.org",',
    ORIGIN: 'an address without a path, such as "http://mirror.example.org:8080",',
    OCI: 'a place in a registry, such as "oci://registry.example.org/charts",',
    REGISTRY: 'a registry as in names of images, such as "docker.io",',
    CPU: 'processors, such as "2", or thousandths of one, such as "500m",',
    QUANTITY: 'bytes as Kubernetes writes them, such as "512Mi",',
    PERCENT: 'a part, such as "20%",',
    THRESHOLD: 'bytes or a part, such as "500Mi" or "10%",',
    ANSIBLE_TAG: 'a tag of Ansible tasks: letters, digits, "_" and "-",',
    EMAIL: 'an e-mail address in lower case, such as "ada@example.org",',
    SHARE: 'a share of a GPU: "whole", "shared", or a slice such as "mig-1g.10gb",',
    AGE_RECIPIENT: 'a public key of age, such as "age126t7...", as `terp backup key` prints it,',
    VARIABLE: 'a name of an Ansible variable: letters, digits and "_", no digit first,',
}
"""What each pattern means, in words."""


def _no_number(value: object) -> object:
    """`ipaddress` takes 10 for 0.0.0.10; a person who writes 10 means something else."""
    if isinstance(value, int | float | bytes):
        raise ValueError("a number is no address")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


Ipv4 = Annotated[IPv4Address, BeforeValidator(_no_number)]
Ipv6 = Annotated[IPv6Address, BeforeValidator(_no_number)]
Cidr4 = Annotated[IPv4Network, BeforeValidator(_no_number)]
Cidr6 = Annotated[IPv6Network, BeforeValidator(_no_number)]
Cidr = Cidr4 | Cidr6
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
PoolName = Annotated[str, StringConstraints(pattern=POOL_NAME, max_length=20)]
Reference = Annotated[str, StringConstraints(pattern=REFERENCE, min_length=1, max_length=255)]
"""Name or id of something that the cloud has already."""
DomainName = Annotated[str, StringConstraints(pattern=DOMAIN_NAME, max_length=253)]
MountPoint = Annotated[str, StringConstraints(pattern=MOUNT_POINT)]
Bucket = Annotated[str, StringConstraints(pattern=BUCKET, max_length=255)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY, max_length=317)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE, max_length=63)]
PublicKey = Annotated[str, StringConstraints(pattern=PUBLIC_KEY)]
Certificates = Annotated[str, StringConstraints(pattern=CERTIFICATES)]
KubernetesVersion = Annotated[str, StringConstraints(pattern=VERSION, max_length=20)]
AnsibleTag = Annotated[str, StringConstraints(pattern=ANSIBLE_TAG, max_length=100)]
KubesprayTag = Annotated[str, StringConstraints(pattern=TAG, max_length=20)]
Commit = Annotated[str, StringConstraints(pattern=COMMIT)]
Https = Annotated[str, StringConstraints(pattern=HTTPS, max_length=2048)]
Http = Annotated[str, StringConstraints(pattern=HTTP, max_length=2048)]
Origin = Annotated[str, StringConstraints(pattern=ORIGIN, max_length=300)]
Oci = Annotated[str, StringConstraints(pattern=OCI, max_length=300)]
Registry = Annotated[str, StringConstraints(pattern=REGISTRY, max_length=253)]
Cpu = Annotated[str, StringConstraints(pattern=CPU, max_length=12)]
Quantity = Annotated[str, StringConstraints(pattern=QUANTITY, max_length=20)]
Email = Annotated[str, StringConstraints(pattern=EMAIL, max_length=254)]
Percent = Annotated[str, StringConstraints(pattern=PERCENT)]
Share = Annotated[int, Field(ge=1, le=1000)] | Percent
"""So many of what there is, or a part of it."""
Threshold = Annotated[str, StringConstraints(pattern=THRESHOLD, max_length=20)]
Json = Annotated[JsonValue, WithJsonSchema({})]
"""Any value: text, number, boolean, list, mapping."""
VariableName = Annotated[str, StringConstraints(pattern=VARIABLE, max_length=100)]
AgeRecipient = Annotated[str, StringConstraints(pattern=AGE_RECIPIENT)]
Port = Annotated[int, Field(ge=1, le=65_535, json_schema_extra={"unit": "port number"})]
Gibibytes = Annotated[int, Field(ge=1, le=65_536, json_schema_extra={"unit": "GiB"})]
Count = Annotated[int, Field(ge=0, le=1000, json_schema_extra={"unit": "nodes"})]
OddCount = Annotated[Literal[1, 3, 5], Field(json_schema_extra={"unit": "nodes"})]
"""Of etcd's members: an even number tolerates no more losses than the odd one below it."""
Bytes = Annotated[int, Field(ge=1280, le=9216, json_schema_extra={"unit": "bytes"})]
"""Of an MTU: from what every IPv6 link carries (RFC 8200, 5) to large frames."""
Seconds = Annotated[int, Field(ge=1, le=86_400, json_schema_extra={"unit": "seconds"})]
Minutes = Annotated[int, Field(ge=1, le=525_600, json_schema_extra={"unit": "minutes"})]
Kept = Annotated[int, Field(ge=0, le=1000, json_schema_extra={"unit": "sets"})]
FloatingIp = Literal["none", "new"] | Ipv4
"""No floating IP, a new one, or one that the project has reserved."""
