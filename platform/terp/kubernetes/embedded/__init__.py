"""The embedded installer: Kubernetes by kubeadm for hosts of the embedded cloud, by our own playbooks.

It has Kubespray's interface (`ansible/embedded`). What it puts on hosts is built here, from Go modules: no
registry and no download from elsewhere is needed.
"""

from terp.kubernetes.embedded.installation import installation

__all__ = ["installation"]
