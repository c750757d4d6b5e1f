// Redis' protocol over memory alone, for Argo CD's cache: https://github.com/alicebob/miniredis as a server.
//
//	redis --port 6379
//
// Redis itself is C, and comes with a distribution's packages only. Argo CD's own tests use miniredis, too.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	host := flag.String("bind", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 6379, "port to listen on")
	flag.Parse()
	if err := serve(net.JoinHostPort(*host, strconv.Itoa(*port))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers until it is told to end. Time passes in miniredis only where somebody says so.
func serve(address string) error {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(address); err != nil {
		return err
	}
	defer server.Close()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	second := time.NewTicker(time.Second)
	for {
		select {
		case <-second.C:
			server.SetTime(time.Now())
			server.FastForward(time.Second)
		case <-end:
			return nil
		}
	}
}
