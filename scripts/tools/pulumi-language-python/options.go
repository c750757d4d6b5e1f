package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// What `runtime.options` of Pulumi.yaml may say, besides the name of a virtual environment.
var (
	setToolchain = map[string]func(*toolchain.PythonOptions){
		"pip":    func(o *toolchain.PythonOptions) { o.Toolchain = toolchain.Pip },
		"poetry": func(o *toolchain.PythonOptions) { o.Toolchain = toolchain.Poetry },
		"uv":     func(o *toolchain.PythonOptions) { o.Toolchain = toolchain.Uv },
	}
	setTypechecker = map[string]func(*toolchain.PythonOptions){
		"none":    func(o *toolchain.PythonOptions) { o.Typechecker = toolchain.TypeCheckerNone },
		"mypy":    func(o *toolchain.PythonOptions) { o.Typechecker = toolchain.TypeCheckerMypy },
		"pyright": func(o *toolchain.PythonOptions) { o.Typechecker = toolchain.TypeCheckerPyright },
	}
)

// options of a program or plugin; a value that is not known is an error rather than a silent default.
func options(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	chosen := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	if chosen.Root == "" {
		root, err := os.Getwd()
		if err != nil {
			return chosen, err
		}
		chosen.Root = root
	}
	if chosen.ProgramDir == "" {
		chosen.ProgramDir = chosen.Root
	}
	for name, value := range info.GetOptions().GetFields() {
		text := value.GetStringValue()
		var known map[string]func(*toolchain.PythonOptions)
		switch name {
		case "virtualenv":
			chosen.Virtualenv = text
			continue
		case "toolchain":
			known = setToolchain
		case "typechecker":
			known = setTypechecker
		default:
			continue // later engines may know more
		}
		set, found := known[text]
		if !found {
			return chosen, fmt.Errorf("runtime option %s: %q is not one of %s", name, text, strings.Join(names(known), ", "))
		}
		set(&chosen)
	}
	return chosen, nil
}

func names[T any](known map[string]T) []string {
	found := make([]string, 0, len(known))
	for name := range known {
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}

func resolve(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, toolchain.PythonOptions, error) {
	chosen, err := options(info)
	if err != nil {
		return nil, chosen, err
	}
	python, err := toolchain.ResolveToolchain(chosen)
	return python, chosen, err
}
