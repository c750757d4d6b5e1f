package lib.pods

import rego.v1

containers contains container if some container in input.review.object.spec.containers

containers contains container if some container in input.review.object.spec.initContainers

containers contains container if some container in input.review.object.spec.ephemeralContainers
