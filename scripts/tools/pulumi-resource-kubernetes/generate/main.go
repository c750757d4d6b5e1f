// Writes what the provider embeds, from the files of its module: generate <version> <directory>
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const module = "github.com/pulumi/pulumi-kubernetes/provider/v4"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate <version> <directory>")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(version, directory string) error {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	list.Stderr = os.Stderr
	found, err := list.Output()
	if err != nil {
		return fmt.Errorf("finding %s: %w", module, err)
	}
	source := filepath.Join(string(bytes.TrimSpace(found)), "cmd", "pulumi-resource-kubernetes")
	for _, name := range []string{"schema.json", "terraform-mapping.json"} {
		if err := compact(filepath.Join(source, name), filepath.Join(directory, name), version); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// compact writes the file without white space, and with the version if it has a place for one.
func compact(from, to, version string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var content map[string]json.RawMessage
	if err := json.Unmarshal(text, &content); err != nil {
		return err
	}
	if _, isSchema := content["resources"]; isSchema {
		if content["version"], err = json.Marshal(version); err != nil {
			return err
		}
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return err
	}
	return os.WriteFile(to, written.Bytes(), 0o644)
}
