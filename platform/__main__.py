"""Raise one environment: cloud, cluster, platform. `pulumi up -s <environment>`."""

import pulumi

from terp.environment import check
from terp.openstack.cloud import Cloud

stack = pulumi.get_stack()
environment = check(pulumi.Config("terp").require_object("environment"), stack)

cloud = Cloud(stack, environment)

pulumi.export("hosts", cloud.hosts)
pulumi.export("api", cloud.api.endpoint)
pulumi.export("private_key", cloud.private_key)

if environment.kubernetes.installer != "none":
    from terp.kubernetes.cluster import Cluster
    from terp.kubernetes.credentials import credentials

    cluster = Cluster(
        stack,
        environment,
        hosts=cloud.hosts,
        api=cloud.api.endpoint,
        private_key=cloud.private_key,
        credentials=credentials(environment),
        opts=pulumi.ResourceOptions(depends_on=[cloud]),
    )
    pulumi.export("kubeconfig", cluster.kubeconfig)
