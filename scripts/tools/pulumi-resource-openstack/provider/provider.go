// Package provider offers terraform-provider-openstack under the type tokens of the PyPI package pulumi-openstack.
package provider

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

// Name is the provider's name in Pulumi.
const Name = "openstack"

// Version is set by the linker.
var Version = "0.0.0-dev"

// Longest name that OpenStack's services take.
const nameLength = 255

//go:embed tokens.txt
var table string

// A row of the table: what Terraform calls it and what Pulumi calls it, now and before.
type row struct {
	kind, terraform string
	token, before   member
}

type member struct{ module, name string }

func (m member) resource() tokens.Type {
	return tfbridge.MakeResource(Name, m.module, m.name)
}

func (m member) function() tokens.ModuleMember {
	return tfbridge.MakeDataSource(Name, m.module, m.name)
}

func parseMember(text string) (member, error) {
	module, name, found := strings.Cut(text, "/")
	if !found || module == "" || name == "" {
		return member{}, fmt.Errorf("%q is not module/Name", text)
	}
	return member{module, name}, nil
}

func parse(table string) ([]row, error) {
	var rows []row
	for number, line := range strings.Split(table, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) < 3 || len(fields) > 4 || (fields[0] != "resource" && fields[0] != "function") {
			return nil, fmt.Errorf("line %d: kind, Terraform name, module/Name and perhaps an older one, not %q", number+1, line)
		}
		each := row{kind: fields[0], terraform: fields[1]}
		var err error
		if each.token, err = parseMember(fields[2]); err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if len(fields) == 4 {
			if each.before, err = parseMember(fields[3]); err != nil {
				return nil, fmt.Errorf("line %d: %w", number+1, err)
			}
		}
		rows = append(rows, each)
	}
	return rows, nil
}

// Info describes the provider to the bridge.
func Info() tfbridge.ProviderInfo {
	rows, err := parse(table)
	if err != nil {
		panic("tokens.txt: " + err.Error()) // embedded: a mistake of ours that no caller can mend
	}
	info := tfbridge.ProviderInfo{
		P:                       shimv2.NewProvider(openstack.Provider()),
		Name:                    Name,
		Version:                 Version,
		DisplayName:             "OpenStack",
		License:                 "Apache-2.0",
		GitHubOrg:               "terraform-provider-openstack",
		TFProviderVersion:       "3.4.0",
		TFProviderModuleVersion: "v3",
		MetadataInfo:            tfbridge.NewProviderMetadata([]byte("{}")),
		Config: map[string]*tfbridge.SchemaInfo{
			"allow_reauth":  fromEnvironment("OS_ALLOW_REAUTH"),
			"cloud":         fromEnvironment("OS_CLOUD"),
			"delayed_auth":  fromEnvironment("OS_DELAYED_AUTH"),
			"endpoint_type": fromEnvironment("OS_ENDPOINT_TYPE"),
			"insecure":      fromEnvironment("OS_INSECURE"),
			"region":        fromEnvironment("OS_REGION_NAME"),
			"swauth":        fromEnvironment("OS_SWAUTH"),
		},
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for _, each := range rows {
		add(&info, each)
	}
	// Pulumi's resources have `outputs` of their own.
	info.Resources["openstack_orchestration_stack_v1"].Fields = map[string]*tfbridge.SchemaInfo{
		"outputs": {Name: "StackOutputs"},
	}
	info.SetAutonaming(nameLength, "-")
	return info
}

func add(info *tfbridge.ProviderInfo, each row) {
	renamed := each.before != member{}
	switch {
	case each.kind == "resource" && renamed:
		info.RenameResourceWithAlias(each.terraform, each.before.resource(), each.token.resource(),
			each.before.module, each.token.module, nil)
	case each.kind == "resource":
		info.Resources[each.terraform] = &tfbridge.ResourceInfo{Tok: each.token.resource()}
	case renamed:
		info.RenameDataSource(each.terraform, each.before.function(), each.token.function(),
			each.before.module, each.token.module, nil)
	default:
		info.DataSources[each.terraform] = &tfbridge.DataSourceInfo{Tok: each.token.function()}
	}
}

func fromEnvironment(variable string) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{Default: &tfbridge.DefaultInfo{EnvVars: []string{variable}}}
}
