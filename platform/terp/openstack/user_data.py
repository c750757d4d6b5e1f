"""What cloud-init does on a server at its first boot."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment as Jinja
from jinja2 import FileSystemLoader, StrictUndefined, Template

from terp.environment.access import Access
from terp.environment.nodes import DataVolume

TEMPLATE = Path(__file__).with_name("user_data.yaml.j2")


def user_data(
    name: str, access: Access, volumes: Mapping[str, DataVolume], own_key: str | None = None
) -> str:
    """cloud-init's user data of a server.

    `volumes` are by the id that Cinder gave them. `own_key` is the environment's public key where no keypair
    brings it.
    """
    return _template().render(
        name=name,
        public_keys=[*([own_key] if own_key else []), *access.ssh.public_keys],
        trusted_ca=access.trusted_ca,
        time_servers=access.time_servers,
        volumes=[
            {"id": volume_id, "filesystem": volume.filesystem, "mount": volume.mount}
            for volume_id, volume in volumes.items()
        ],
    )


@cache
def _template() -> Template:
    jinja = Jinja(
        loader=FileSystemLoader(TEMPLATE.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )
    return jinja.get_template(TEMPLATE.name)
