// Pulumi's language host for Python, on Pulumi's public Go SDK: the module proxy does not serve the official one,
// which is a module of its own. It speaks pulumirpc.LanguageRuntime; protocol: pulumi/sdk, proto/pulumi/language.proto.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// How long the engine may be silent before the host ends by itself.
const engineSilence = 5 * time.Minute

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

func serve() error {
	// Older engines give options on the command line; newer ones with each request, which is what counts here.
	for _, name := range []string{"tracing", "root", "virtualenv", "toolchain", "typechecker"} {
		flag.String(name, "", "accepted for older engines, not used")
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	host := newHost(ctx, flag.Arg(0))
	if host.engine != "" {
		if err := rpcutil.Healthcheck(ctx, host.engine, engineSilence, stop); err != nil {
			return fmt.Errorf("reaching the engine at %s: %w", host.engine, err)
		}
	}
	stopped := make(chan bool)
	go func() {
		<-ctx.Done()
		close(stopped)
	}()
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stopped,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Println(server.Port) // the engine reads it
	return <-server.Done
}
