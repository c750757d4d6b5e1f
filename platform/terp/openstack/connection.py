"""How Terp comes to an environment's cloud: which entry of which clouds.yaml, for itself and its programs."""

import os
from difflib import get_close_matches
from pathlib import Path

import openstack.config.loader as places
from keystoneauth1.exceptions import ClientException
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.connection import Connection
from openstack.exceptions import SDKException

from terp.environment.cloud import Cloud
from terp.errors import TerpError
from terp.paths import state_dir

EMBEDDED = "embedded"
"""The entry of the embedded cloud's own clouds.yaml, used when no file of the user's has one of this name."""
OF_EMBEDDED = (EMBEDDED, "embedded-cluster")
"""All of its entries: the member's, and what the member's cluster gets."""
TIMEOUT = 60.0
"""Seconds that one call of the API may take."""


def connect(cloud: Cloud, *, timeout: float = TIMEOUT, retries: int | None = None) -> Connection:
    """A connection that has not called the cloud yet.

    Args:
        cloud: which entry, and which of its regions.
        timeout: seconds that one call may take.
        retries: times that a call is repeated when the service does not answer or is overloaded (503); as
            openstacksdk does by itself when None.

    Raises:
        TerpError: there is no such entry, or it does not make sense.
    """
    _, region = _find(cloud, timeout, retries)
    return Connection(config=region)


def environment_variables(cloud: Cloud) -> dict[str, str]:
    """What points another OpenStack client at the same cloud: files, entry and region.

    Raises:
        TerpError: there is no such entry, or it does not make sense.
    """
    config, region = _find(cloud)
    files = {
        "OS_CLIENT_CONFIG_FILE": config.config_filename,
        "OS_CLIENT_SECURE_FILE": config.secure_config_filename,
    }
    names = {
        "OS_CLOUD": cloud.name,
        "OS_REGION_NAME": region.region_name,
        "OS_ENDPOINT_TYPE": region.get_interface(),  # Terraform's provider does not read it from clouds.yaml
    }
    return {
        **{variable: str(Path(file).absolute()) for variable, file in files.items() if file},
        **{variable: name for variable, name in names.items() if name},
    }


def _find(
    cloud: Cloud, timeout: float = TIMEOUT, retries: int | None = None
) -> tuple[OpenStackConfig, CloudRegion]:
    config = _configuration(cloud.name)
    known = config.get_cloud_names()
    if config.config_filename is None or cloud.name not in known:
        raise _unknown(cloud.name, config.config_filename, known)
    try:
        region = config.get_one(
            cloud.name,
            region_name=cloud.region,
            api_timeout=timeout,
            connect_retries=retries,
            status_code_retries=retries,
        )
    except (SDKException, ClientException) as error:
        raise TerpError(f"{config.config_filename}: cloud {cloud.name!r}: {error}", exit_code=2) from error
    return config, region


def is_embedded(cloud: Cloud) -> bool:
    """Whether this machine's embedded cloud is meant, not another of that name in the user's own files."""
    if cloud.name != EMBEDDED:
        return False
    configured = _read(_user_files())
    named = EMBEDDED in configured.get_cloud_names()
    return not named or str(configured.config_filename) == str(_embedded_file())


def boots(cloud: Cloud) -> bool:
    """Whether servers boot: those of an embedded cloud without hosts are records.

    Raises:
        TerpError: there is no such entry, or it does not make sense.
    """
    return not is_embedded(cloud) or connect(cloud).config.config.get("servers") != "records"


def _configuration(name: str) -> OpenStackConfig:
    """The user's own configuration, or the embedded cloud's when that is asked for and theirs has none."""
    configured = _read(_user_files())
    embedded = _embedded_file()
    if name in OF_EMBEDDED and name not in configured.get_cloud_names() and embedded.exists():
        return _read([str(embedded)])
    return configured


def _embedded_file() -> Path:
    return state_dir() / "cloud" / "clouds.yaml"


def _user_files() -> list[str]:
    """Where a clouds.yaml may be: what `OS_CLIENT_CONFIG_FILE` names, else where openstacksdk looks."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    return [named] if named else list(dict.fromkeys(places.CONFIG_FILES))


def _read(files: list[str]) -> OpenStackConfig:
    """Read the first file that is there.

    Variables such as OS_USERNAME are not read: the environment's file says which cloud it is.
    """
    secure = os.environ.get("OS_CLIENT_SECURE_FILE")
    try:
        return OpenStackConfig(
            config_files=files, secure_files=[secure] if secure else None, load_envvars=False
        )
    except SDKException as error:
        raise TerpError(f"{', '.join(files)}: {error}", exit_code=2) from error


def _unknown(name: str, file: str | None, known: list[str]) -> TerpError:
    if file is None:
        missing = [each for each in _user_files() if Path(each).suffix == ".yaml"]
        hint = (
            "make the embedded cloud: terp cloud up"
            if name in OF_EMBEDDED
            else f"looked at {', '.join(missing)}"
        )
        return TerpError(f"there is no clouds.yaml with the cloud {name!r}", hint=hint, exit_code=2)
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
    return TerpError(f"{file} has no cloud {name!r}", hint=hint, exit_code=2)
