// Package provider offers terraform-provider-tls under the type tokens of the PyPI package pulumi-tls.
//
// This module's path lies below the provider's own, which is what lets it import the provider's internal
// package: upstream gives no other way in.
package provider

import (
	"github.com/hashicorp/terraform-provider-tls/internal/provider"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

// Name is the provider's name in Pulumi.
const Name = "tls"

// Version is set by the linker.
var Version = "0.0.0-dev"

// Info describes the provider to the bridge.
func Info() tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:            pf.ShimProvider(provider.New()),
		Name:         Name,
		Version:      Version,
		DisplayName:  "TLS",
		License:      "MPL-2.0",
		GitHubOrg:    "hashicorp",
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*tfbridge.ResourceInfo{
			"tls_cert_request":        resource("CertRequest"),
			"tls_locally_signed_cert": resource("LocallySignedCert"),
			"tls_private_key":         resource("PrivateKey"),
			"tls_self_signed_cert":    resource("SelfSignedCert"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"tls_certificate": function("getCertificate"),
			"tls_public_key":  function("getPublicKey"),
		},
	}
}

func resource(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource(Name, "index", name)}
}

func function(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource(Name, "index", name)}
}
