"""Images, looked up once for each name."""

import pulumi_openstack as openstack
from pulumi import InvokeOptions, Output

from terp.errors import TerpError
from terp.openstack.provider import is_id


class Images:
    """The newest active image of each name.

    A newer image of the same name is taken for new servers; those that are there keep theirs
    (`node_pool.KEPT`).
    """

    def __init__(self, options: InvokeOptions) -> None:
        self._options = options
        self._found: dict[str, Output[openstack.images.GetImageResult]] = {}

    def id(self, reference: str) -> Output[str]:
        """The id of an image."""
        return Output.from_input(reference) if is_id(reference) else self._find(reference).id

    def user(self, reference: str) -> Output[str]:
        """The login that the image's distribution has by custom: Glance's property `os_distro`.

        Raises:
            TerpError: the image does not tell.
        """
        if is_id(reference):
            raise _unknown(reference)

        def login(image: openstack.images.GetImageResult) -> str:
            distribution = (image.properties or {}).get("os_distro")
            if not distribution:
                raise _unknown(reference)
            return str(distribution)

        return self._find(reference).apply(login)

    def _find(self, name: str) -> Output[openstack.images.GetImageResult]:
        if name not in self._found:
            self._found[name] = openstack.images.get_image_output(
                name=name, most_recent=True, opts=self._options
            )
        return self._found[name]


def _unknown(reference: str) -> TerpError:
    return TerpError(
        f"image {reference} does not tell its login (os_distro)",
        hint="name it: terp:environment.access.ssh.user",
        exit_code=2,
    )
