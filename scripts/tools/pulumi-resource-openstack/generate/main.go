// Writes the schema that the provider embeds: generate schema --out <directory>
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"

	"terp/tools/pulumi-resource-openstack/provider"
)

func main() { tfgen.Main(provider.Name, provider.Version, provider.Info()) }
