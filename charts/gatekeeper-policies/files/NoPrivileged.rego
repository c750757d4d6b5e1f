package noprivileged

import data.lib.pods
import rego.v1

violation contains {"msg": msg} if {
	some container in pods.containers
	container.securityContext.privileged
	msg := sprintf("container %s is privileged", [container.name])
}

violation contains {"msg": msg} if {
	some container in pods.containers
	some capability in container.securityContext.capabilities.add
	capability in {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "NET_ADMIN", "BPF"}
	msg := sprintf("container %s asks for the capability %s", [container.name, capability])
}

violation contains {"msg": msg} if {
	some field in {"hostNetwork", "hostPID", "hostIPC"}
	input.review.object.spec[field]
	msg := sprintf("%s is the node's own", [field])
}
