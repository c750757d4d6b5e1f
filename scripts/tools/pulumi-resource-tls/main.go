// Pulumi's tls provider: terraform-provider-tls on the Terraform bridge.
package main

import (
	"context"
	_ "embed"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/hashicorp/terraform-provider-tls/terp/provider"
)

//go:embed schema.json
var schema []byte // written by ./generate

func main() {
	pf.Main(context.Background(), provider.Name, provider.Info(), pf.ProviderMetadata{PackageSchema: schema})
}
