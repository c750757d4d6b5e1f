// Redis' protocol over memory alone, for Argo CD's cache: https://github.com/alicebob/miniredis as a server.
//
//	redis --port 6379 --save "" --appendonly no --requirepass ...
//
// It takes redis-server's arguments as far as Argo CD gives them. Redis itself is C, and comes with a distribution's
// packages only. Argo CD's own tests use miniredis, too.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// settings are those of redis-server, by their names (redis.conf).
type settings map[string]string

func main() {
	asked, err := read(os.Args[1:])
	if err == nil {
		err = serve(asked)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read takes arguments as redis-server does: each `--name` begins a setting, and what follows is its value, also
// when both come in one argument. What would keep data on a disk must be off.
func read(arguments []string) (settings, error) {
	asked := settings{"port": "6379", "bind": "", "requirepass": "", "save": "", "appendonly": "no"}
	name := ""
	for _, argument := range arguments {
		value := argument
		if rest, found := strings.CutPrefix(argument, "--"); found {
			name, value = rest, ""
			if at := strings.IndexAny(rest, " ="); at >= 0 {
				name, value = rest[:at], rest[at+1:]
			}
		}
		if _, known := asked[name]; !known {
			return nil, fmt.Errorf("no setting of redis-server that is known here: %q", argument)
		}
		asked[name] = strings.Trim(value, `" `)
	}
	if asked["save"] != "" || asked["appendonly"] != "no" {
		return nil, fmt.Errorf("only memory is kept here: save must be empty, and appendonly no")
	}
	return asked, nil
}

// address is where it listens: without a password on loopback alone, as Redis' protected mode would have it.
func (asked settings) address() string {
	host := asked["bind"]
	if host == "" && asked["requirepass"] == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, asked["port"])
}

// serve answers until it is told to end. Time passes in miniredis only where somebody says so.
func serve(asked settings) error {
	server := miniredis.NewMiniRedis()
	if asked["requirepass"] != "" {
		server.RequireAuth(asked["requirepass"])
	}
	if err := server.StartAddr(asked.address()); err != nil {
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
