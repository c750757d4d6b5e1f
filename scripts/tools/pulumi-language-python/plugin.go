package main

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// How long a program or plugin has, after it was asked to end.
const grace = 10 * time.Second

// RunPlugin runs a provider (PulumiPlugin.yaml) or policy pack (PulumiPolicy.yaml) that is written in Python.
func (h *host) RunPlugin(
	request *pulumirpc.RunPluginRequest, stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse],
) error {
	python, chosen, err := resolve(request.GetInfo())
	if err != nil {
		return err
	}
	arguments := append([]string{"-u", chosen.ProgramDir}, request.GetArgs()...)
	if request.GetKind() == "analyzer" {
		arguments = append([]string{"-u", "-m", "pulumi.policy"}, request.GetArgs()...)
		arguments = append(arguments, chosen.ProgramDir)
	}
	// The engine tells plugins of a cancellation itself, so only its leaving or our end stops this one.
	ctx, stop := context.WithCancel(stream.Context())
	defer stop()
	command, err := python.Command(ctx, arguments...)
	if err != nil {
		return err
	}
	inGroup(command)
	command.Dir = request.GetPwd()
	command.Env = append(command.Environ(), request.GetEnv()...)
	var turn sync.Mutex
	command.Stdout = sender(&turn, func(part []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: part}})
	})
	command.Stderr = sender(&turn, func(part []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: part}})
	})
	err = command.Run()
	var failed *exec.ExitError
	code := 0
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &failed):
		code = failed.ExitCode()
	case err != nil:
		return err
	}
	return stream.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(code)},
	})
}

// inGroup makes the command the leader of a process group, so that Ctrl-C on the terminal reaches the engine alone,
// and lets the end of its context ask the whole group to end before it is killed.
func inGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = grace
}

type send struct {
	turn *sync.Mutex
	part func([]byte) error
}

// sender hands what is written to a stream, which takes one message at a time.
func sender(turn *sync.Mutex, part func([]byte) error) io.Writer { return send{turn, part} }

func (s send) Write(written []byte) (int, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.part(append([]byte(nil), written...)); err != nil {
		return 0, err
	}
	return len(written), nil
}
