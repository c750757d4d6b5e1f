package allowedregistries

import data.lib.pods
import rego.v1

violation contains {"msg": msg} if {
	some container in pods.containers
	image := full_name(container.image)
	not admitted(image)
	msg := sprintf("container %s: %s is of no registry that images are taken from", [container.name, image])
}

admitted(image) if {
	some registry in input.parameters.registries
	startswith(image, registry)
}

# As container runtimes read it: without a registry it is Docker's, and there without an owner one of the library.
full_name(image) := image if names_registry(image)

full_name(image) := sprintf("docker.io/%s", [image]) if {
	not names_registry(image)
	contains(image, "/")
}

full_name(image) := sprintf("docker.io/library/%s", [image]) if not contains(image, "/")

names_registry(image) if {
	contains(image, "/")
	first := split(image, "/")[0]
	regex.match(`[.:]|^localhost$`, first)
}
