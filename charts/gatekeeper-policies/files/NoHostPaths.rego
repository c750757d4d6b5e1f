package nohostpaths

import rego.v1

violation contains {"msg": msg} if {
	some volume in input.review.object.spec.volumes
	volume.hostPath
	msg := sprintf("volume %s is the node's folder %s", [volume.name, volume.hostPath.path])
}
