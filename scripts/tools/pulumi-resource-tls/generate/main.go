// Writes the schema that the provider embeds: generate schema --out <directory>
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"github.com/hashicorp/terraform-provider-tls/terp/provider"
)

func main() { tfgen.Main(provider.Name, provider.Info()) }
