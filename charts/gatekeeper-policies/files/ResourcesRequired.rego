package resourcesrequired

import data.lib.pods
import rego.v1

violation contains {"msg": msg} if {
	some container in pods.containers
	not container in ephemeral
	some kind in {"requests", "limits"}
	some resource in input.parameters[kind]
	not container.resources[kind][resource]
	msg := sprintf("container %s: resources.%s.%s is missing", [container.name, kind, resource])
}

# Kubernetes lets a container for debugging say none.
ephemeral contains container if some container in input.review.object.spec.ephemeralContainers
