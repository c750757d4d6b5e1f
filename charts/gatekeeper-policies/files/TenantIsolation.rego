package tenantisolation

import rego.v1

violation contains {"msg": msg} if {
	input.review.kind.kind == "Service"
	type := input.review.object.spec.type
	type in {"NodePort", "LoadBalancer"}
	msg := sprintf("a Service of type %s leads past the gateway and its login", [type])
}

violation contains {"msg": msg} if {
	input.review.kind.kind == "Service"
	some address in input.review.object.spec.externalIPs
	msg := sprintf("externalIPs takes what is meant for %s", [address])
}

violation contains {"msg": msg} if {
	input.review.kind.kind == "Pod"
	object.get(input.review.object, ["metadata", "labels", input.parameters.label], "") != "true"
	msg := sprintf("label %s is not \"true\": the mesh would let anybody in", [input.parameters.label])
}
