// Pulumi's OpenStack provider: terraform-provider-openstack on the Terraform bridge.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"terp/tools/pulumi-resource-openstack/provider"
)

//go:embed schema.json
var schema []byte // written by ./generate

func main() { tfbridge.Main(provider.Name, provider.Version, provider.Info(), schema) }
