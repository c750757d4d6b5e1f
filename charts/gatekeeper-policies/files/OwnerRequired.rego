package ownerrequired

import rego.v1

violation contains {"msg": msg} if {
	some annotation in input.parameters.annotations
	object.get(input.review.object, ["metadata", "annotations", annotation], "") == ""
	msg := sprintf("annotation %s is missing: whose is it?", [annotation])
}
