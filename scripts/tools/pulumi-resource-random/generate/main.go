// Writes the schema that the provider embeds: generate schema --out <directory>
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"github.com/terraform-providers/terraform-provider-random/terp/provider"
)

func main() { tfgen.Main(provider.Name, provider.Info()) }
