// Tells the kubelet of a node about the CSI plugin beside it (Kubernetes: "Kubelet Device Plugin Registration", the
// interface pluginregistration/v1): it serves a socket in the folder that the kubelet watches.
//
//	csi-node-registrar <socket of the plugin> <the same on the node> <folder that the kubelet watches>
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const patience = 2 * time.Minute // of the plugin's start

type registrar struct {
	registration.UnimplementedRegistrationServer
	name, endpoint string
	refused        chan<- string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              r.name,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (r *registrar) NotifyRegistrationStatus(
	_ context.Context, status *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if !status.PluginRegistered {
		r.refused <- status.Error
	} else {
		log.Printf("the kubelet knows %s", r.name)
	}
	return &registration.RegistrationStatusResponse{}, nil
}

func pluginName(socket string) (string, error) {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := csi.NewIdentityClient(connection).GetPluginInfo(
		limited, &csi.GetPluginInfoRequest{}, grpc.WaitForReady(true))
	return info.GetName(), err
}

func run(socket, endpoint, folder string) error {
	name, err := pluginName(socket)
	if err != nil {
		return fmt.Errorf("the plugin does not say its name: %w", err)
	}
	place := filepath.Join(folder, name+"-reg.sock")
	if err := os.Remove(place); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", place) // closing it removes the socket: the kubelet forgets the plugin
	if err != nil {
		return err
	}
	refused := make(chan string, 1)
	server := grpc.NewServer()
	registration.RegisterRegistrationServer(server, &registrar{name: name, endpoint: endpoint, refused: refused})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Stop()
	select {
	case <-ended:
		return nil
	case err := <-failed:
		return err
	case reason := <-refused: // whoever runs this starts it again
		return fmt.Errorf("the kubelet refuses %s: %s", name, reason)
	}
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: csi-node-registrar <socket> <socket on the node> <folder of the kubelet>")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
