"""Raise one environment: cloud, cluster, platform. `pulumi up -s <environment>`."""

import pulumi

from terp.environment import check
from terp.gitops.platform import Platform
from terp.kubernetes.cluster import Cluster
from terp.kubernetes.installer import has_cluster
from terp.openstack.cloud import Cloud

stack = pulumi.get_stack()
environment = check(pulumi.Config("terp").require_object("environment"), stack)

cloud = Cloud(stack, environment)

pulumi.export("hosts", cloud.hosts)
pulumi.export("api", cloud.api.endpoint)
pulumi.export("private_key", cloud.private_key)

if has_cluster(environment):
    cluster = Cluster(stack, environment, cloud)

    pulumi.export("kubeconfig", cluster.kubeconfig)

    if environment.platform:
        platform = Platform(stack, environment, environment.platform, cluster.kubeconfig)

        pulumi.export("applications", platform.applications)
