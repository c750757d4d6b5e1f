// Package provider offers terraform-provider-random under the type tokens of the PyPI package pulumi-random.
//
// This module's path lies below the provider's own, which is what lets it import the provider's internal
// package: upstream gives no other way in.
package provider

import (
	"context"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// Name is the provider's name in Pulumi.
const Name = "random"

// Version is set by the linker.
var Version = "0.0.0-dev"

// Info describes the provider to the bridge.
func Info() tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:            pf.ShimProvider(provider.New()),
		Name:         Name,
		Version:      Version,
		DisplayName:  "Random",
		License:      "MPL-2.0",
		GitHubOrg:    "hashicorp",
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*tfbridge.ResourceInfo{
			"random_bytes":    withoutID(named("RandomBytes")),
			"random_id":       named("RandomId"),
			"random_integer":  named("RandomInteger"),
			"random_password": named("RandomPassword"),
			"random_pet":      named("RandomPet"),
			"random_shuffle":  named("RandomShuffle"),
			"random_string":   named("RandomString"),
			"random_uuid":     named("RandomUuid"),
			"random_uuid4":    named("RandomUuid4"),
			"random_uuid7":    named("RandomUuid7"),
		},
	}
}

func named(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource(Name, "index", name)}
}

// withoutID is for a resource that Terraform gives no id. Its only unique property is a secret, and ids are
// stored and shown in the clear, so the id says nothing, as that of RandomPassword.
func withoutID(info *tfbridge.ResourceInfo) *tfbridge.ResourceInfo {
	info.ComputeID = func(context.Context, resource.PropertyMap) (resource.ID, error) { return "none", nil }
	return info
}
