"""The file tree that every server of the embedded cloud starts from."""

from terp.cloud.image.build import image

__all__ = ["image"]
