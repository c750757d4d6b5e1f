package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/protobuf/types/known/structpb"
)

func program(t *testing.T, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	fields, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: "/project", EntryPoint: ".", Options: fields}
}

func TestOptions(t *testing.T) {
	chosen, err := options(program(t, map[string]any{
		"toolchain": "uv", "typechecker": "mypy", "virtualenv": ".venv", "later": "unknown",
	}))
	if err != nil {
		t.Fatal(err)
	}
	expected := toolchain.PythonOptions{
		Root: "/project", ProgramDir: "/project", Virtualenv: ".venv",
		Toolchain: toolchain.Uv, Typechecker: toolchain.TypeCheckerMypy,
	}
	if chosen != expected {
		t.Errorf("%+v", chosen)
	}
}

func TestAnUnknownValueIsAnErrorWithTheKnownOnes(t *testing.T) {
	_, err := options(program(t, map[string]any{"toolchain": "conda"}))
	if err == nil || !strings.Contains(err.Error(), `"conda" is not one of pip, poetry, uv`) {
		t.Errorf("%v", err)
	}
}

func TestRequiredPackages(t *testing.T) {
	found, err := parseRequired([]byte(`[
		{"name": "random", "version": "4.19.1", "server": ""},
		{"name": "terraform-provider", "version": "v1.0.0", "server": "https://example.org",
		 "parameterization": {"name": "local", "version": "2.0.0", "value": "dGV4dA=="}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if found[0].Version != "v4.19.1" || found[1].Version != "v1.0.0" || found[0].Kind != "resource" {
		t.Errorf("%+v", found)
	}
	if more := found[1].Parameterization; more.Name != "local" || string(more.Value) != "text" {
		t.Errorf("%+v", more)
	}
	if _, err := parseRequired([]byte("Traceback")); err == nil {
		t.Error("no error")
	}
}

func TestOutcome(t *testing.T) {
	exit := func(code string) error { return exec.Command("sh", "-c", "exit "+code).Run() }
	running, cancelled := context.Background(), func() context.Context {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}()
	for name, each := range map[string]struct {
		ctx      context.Context
		err      error
		expected *pulumirpc.RunResponse
	}{
		"done":      {running, nil, &pulumirpc.RunResponse{}},
		"shown":     {running, exit("32"), &pulumirpc.RunResponse{Bail: true}},
		"failed":    {running, exit("3"), &pulumirpc.RunResponse{Error: "the program ended with exit status 3"}},
		"cancelled": {cancelled, exit("143"), &pulumirpc.RunResponse{Bail: true}},
	} {
		answer, err := outcome(each.ctx, each.err)
		if err != nil || answer.Error != each.expected.Error || answer.Bail != each.expected.Bail {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
	if _, err := outcome(running, errors.New("no such file")); err == nil {
		t.Error("a program that cannot be started is no error")
	}
}

func TestArgumentsLeaveOutWhatIsNotKnown(t *testing.T) {
	host := newHost(context.Background(), "")
	found := host.arguments("script", &pulumirpc.RunRequest{
		Project: "p", Info: &pulumirpc.ProgramInfo{ProgramDirectory: "/project", EntryPoint: "."}, Args: []string{"more"},
	})
	expected := []string{"-u", "script", "--project", "p", "--dry_run", "false", "--parallel", "0", "/project", "more"}
	if !reflect.DeepEqual(found, expected) {
		t.Errorf("%q", found)
	}
}

func TestCancelEndsAProgramWithAllThatItStarted(t *testing.T) {
	host := newHost(context.Background(), "")
	ctx, stop := host.until(context.Background())
	defer stop()
	mark := filepath.Join(t.TempDir(), "child")
	command := exec.CommandContext(ctx, "sh", "-c", "sleep 300 & echo $! > "+mark+"; wait")
	inGroup(command)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(mark); err == nil && len(text) > 0 {
			break
		}
	}
	if _, err := host.Cancel(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	select {
	case err := <-done:
		if answer, err := outcome(ctx, err); err != nil || !answer.Bail {
			t.Errorf("%v, %v", answer, err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}
