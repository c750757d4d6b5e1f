"""Renders the platform offline, with the programs and options of Argo CD's repo server."""

from terp.gitops.rendering.render import Rendered, Renderer, cluster_of, rendered, renderer, renderer_for

__all__ = ["Rendered", "Renderer", "cluster_of", "rendered", "renderer", "renderer_for"]
