package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// Starts a program; from Pulumi's SDK, installed next to this binary.
	execScript = "pulumi-language-python-exec"
	// execScript ends with it when the error has been shown already.
	exitShown = 32
)

//go:embed required_packages.py
var requiredPackages string

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	engine string
	// programs ends when the engine cancels or this process is told to end.
	programs context.Context
	cancel   context.CancelFunc
}

func newHost(ctx context.Context, engine string) *host {
	programs, cancel := context.WithCancel(ctx)
	return &host{engine: engine, programs: programs, cancel: cancel}
}

func (h *host) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine = request.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: strings.TrimPrefix(version.Version, "v")}, nil
}

func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Cancel ends the programs that run; plugins are told by the engine itself.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.cancel()
	return &emptypb.Empty{}, nil
}

// GetRequiredPackages names the provider plugins that the installed Python packages ask for.
func (h *host) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, _, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	command, err := python.Command(ctx, "-c", requiredPackages)
	if err != nil {
		return nil, err
	}
	listed, err := command.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%w\n%s", err, failed.Stderr)
		}
		return nil, fmt.Errorf("listing the packages that need a plugin: %w", err)
	}
	found, err := parseRequired(listed)
	return &pulumirpc.GetRequiredPackagesResponse{Packages: found}, err
}

func parseRequired(listed []byte) ([]*pulumirpc.PackageDependency, error) {
	var found []struct {
		Name, Version, Server string
		Parameterization      *struct {
			Name, Version string
			Value         []byte
		}
	}
	if err := json.Unmarshal(listed, &found); err != nil {
		return nil, fmt.Errorf("listing the packages that need a plugin: %w", err)
	}
	var required []*pulumirpc.PackageDependency
	for _, each := range found {
		dependency := &pulumirpc.PackageDependency{
			Kind: "resource", Name: each.Name, Server: each.Server, Version: "v" + strings.TrimPrefix(each.Version, "v"),
		}
		if more := each.Parameterization; more != nil {
			dependency.Parameterization = &pulumirpc.PackageParameterization{
				Name: more.Name, Version: more.Version, Value: more.Value,
			}
		}
		required = append(required, dependency)
	}
	return required, nil
}

// Run runs the program to its end.
func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	python, chosen, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	script, err := findExecScript()
	if err != nil {
		return nil, err
	}
	ctx, stop := h.until(ctx)
	defer stop()
	if answer, err := typecheck(ctx, python, chosen); answer != nil || err != nil {
		return answer, err
	}
	command, err := python.Command(ctx, h.arguments(script, request)...)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(orEmpty(request.GetConfig()))
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	inGroup(command)
	command.Env = append(command.Environ(),
		"PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return outcome(ctx, command.Run())
}

// until ends with the request, with Cancel, or with this process, whichever comes first.
func (h *host) until(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	release := context.AfterFunc(h.programs, cancel)
	return ctx, func() { release(); cancel() }
}

func (h *host) arguments(script string, request *pulumirpc.RunRequest) []string {
	info := request.GetInfo()
	arguments := []string{"-u", script}
	for _, each := range [][2]string{
		{"monitor", request.GetMonitorAddress()},
		{"engine", h.engine},
		{"project", request.GetProject()},
		{"root_directory", info.GetRootDirectory()},
		{"stack", request.GetStack()},
		{"pwd", request.GetPwd()},
		{"organization", request.GetOrganization()},
		{"dry_run", strconv.FormatBool(request.GetDryRun())},
		{"parallel", strconv.Itoa(int(request.GetParallel()))},
	} {
		if each[1] != "" {
			arguments = append(arguments, "--"+each[0], each[1])
		}
	}
	arguments = append(arguments, filepath.Join(info.GetProgramDirectory(), info.GetEntryPoint()))
	return append(arguments, request.GetArgs()...)
}

func typecheck(
	ctx context.Context, python toolchain.Toolchain, chosen toolchain.PythonOptions,
) (*pulumirpc.RunResponse, error) {
	if chosen.Typechecker == toolchain.TypeCheckerNone {
		return nil, nil
	}
	name := toolchain.TypeCheckerName(chosen.Typechecker)
	command, err := python.ModuleCommand(ctx, strings.ToLower(name), chosen.ProgramDir)
	if err != nil {
		return nil, err
	}
	inGroup(command)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	var failed *exec.ExitError
	if err := command.Run(); errors.As(err, &failed) {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("%s found errors in the program", name)}, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return nil, nil
}

// outcome of a program: an error of its own, one it has shown already, or one of ours.
func outcome(ctx context.Context, err error) (*pulumirpc.RunResponse, error) {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case ctx.Err() != nil:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &failed) && failed.ExitCode() == exitShown:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &failed):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with %v", failed)}, nil
	}
	return nil, fmt.Errorf("starting the program: %w", err)
}

func findExecScript() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", err
	}
	script := filepath.Join(filepath.Dir(self), execScript)
	if _, err := os.Stat(script); err == nil {
		return script, nil
	}
	if script, err = exec.LookPath(execScript); err != nil {
		return "", fmt.Errorf("%s must be next to the language host or on PATH: %w", execScript, err)
	}
	return script, nil
}

func orEmpty(config map[string]string) map[string]string {
	if config == nil {
		return map[string]string{}
	}
	return config
}

// InstallDependencies makes the program's virtual environment.
func (h *host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest,
	stream grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	python, chosen, err := resolve(request.GetInfo())
	if err != nil {
		return err
	}
	var turn sync.Mutex
	stdout := sender(&turn, func(part []byte) error {
		return stream.Send(&pulumirpc.InstallDependenciesResponse{Stdout: part})
	})
	stderr := sender(&turn, func(part []byte) error {
		return stream.Send(&pulumirpc.InstallDependenciesResponse{Stderr: part})
	})
	return python.InstallDependencies(
		stream.Context(), chosen.ProgramDir, request.GetUseLanguageVersionTools(), true, stdout, stderr)
}

// About describes the interpreter.
func (h *host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	python, _, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	info, err := python.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: info.PythonExecutable, Version: info.PythonVersion.String()}, nil
}

// GetProgramDependencies lists the installed Python packages.
func (h *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, _, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(ctx, request.GetTransitiveDependencies())
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GetProgramDependenciesResponse{}
	for _, each := range packages {
		answer.Dependencies = append(answer.Dependencies,
			&pulumirpc.DependencyInfo{Name: each.Name, Version: each.Version})
	}
	return answer, nil
}
