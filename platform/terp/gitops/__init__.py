"""The GitOps layer: Argo CD and the root application; from then on git is the only way in."""
