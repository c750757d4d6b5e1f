// What runs in the pods of a stand-in for somebody else's workload: it becomes ready, answers, and ends, as it is told.
//
//	stand-in --ready-after 5s               is ready after that time, and stays so
//	stand-in --end-after 10s --code 1       ends by itself: a job that is done, or a program that fails
//	stand-in --port 9090                    answers there; GET /ready says whether it is ready
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	readyAfter := flag.Duration("ready-after", 0, "time until it is ready")
	endAfter := flag.Duration("end-after", 0, "time until it ends by itself; 0: never")
	code := flag.Int("code", 0, "exit code when it ends by itself")
	flag.Parse()
	end, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server := &http.Server{
		Addr:              ":" + strconv.Itoa(*port),
		Handler:           answers(time.Now().Add(*readyAfter)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	var ended <-chan time.Time
	if *endAfter > 0 {
		ended = time.After(*endAfter)
	}
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case <-ended:
		fmt.Println("ends after", *endAfter, "with", *code)
		os.Exit(*code)
	case <-end.Done():
	}
}

// answers says what it is, and at /ready whether the time has come.
func answers(ready time.Time) http.Handler {
	handler := http.NewServeMux()
	handler.HandleFunc("/ready", func(to http.ResponseWriter, _ *http.Request) {
		if wait := time.Until(ready); wait > 0 {
			http.Error(to, fmt.Sprintf("ready in %s", wait.Round(time.Second)), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(to, "ready")
	})
	handler.HandleFunc("/", func(to http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(to, "a stand-in")
	})
	return handler
}
