"""One environment as a whole."""

from pydantic import Field

from terp.environment.access import Access
from terp.environment.cloud import Cloud
from terp.environment.fields import LabelValue
from terp.environment.kubernetes import Kubernetes
from terp.environment.network import Network
from terp.environment.nodes import Nodes
from terp.environment.platform import Platform
from terp.environment.recovery import Recovery
from terp.model import Model


class Environment(Model):
    """What one `pulumi up` raises; `stacks/Pulumi.<environment>.yaml` holds it under `terp:environment`."""

    owner: LabelValue = Field(
        "platform",
        title="Owner",
        description="Team that answers for it; a tag of everything that is made.",
        examples=["platform"],
    )
    protected: bool = Field(
        True,
        title="Protected",
        description="Whether the gate refuses a plan that destroys, and Pulumi to delete what cannot be "
        "made again; without it they warn.",
        examples=[False],
    )
    cloud: Cloud = Field(title="Cloud", description="Which OpenStack it lives on.")
    network: Network = Field(Network(), title="Network", description="Networks and address ranges.")
    nodes: Nodes = Field(title="Nodes", description="The servers of the cluster.")
    access: Access = Field(Access(), title="Access", description="Who reaches it, and how.")
    kubernetes: Kubernetes = Field(
        Kubernetes(), title="Kubernetes", description="Which Kubernetes, how it is installed and secured."
    )
    platform: Platform | None = Field(
        None, title="Platform", description="What Argo CD deploys on the cluster; nothing when absent."
    )
    recovery: Recovery | None = Field(
        None,
        title="Recovery",
        description="What is kept for the day on which it is lost; nothing when absent.",
    )
