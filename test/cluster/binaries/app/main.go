// Command app is the application that the cluster's test Pods run: an HTTP, TCP and gRPC server whose health can be
// switched, and an HTTP client for use with exec, since the image has no other.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "app:", err)
	os.Exit(1)
}

// answer is what the server says of each request.
type answer struct {
	Host    string      `json:"host"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Peer    string      `json:"peer"`
	Headers http.Header `json:"headers"`
}

func serveHTTP(port string, healthy *atomic.Bool, report func(bool)) {
	host, _ := os.Hostname()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			healthy.Store(r.URL.Query().Get("ok") == "true")
			report(healthy.Load())
		}
		if !healthy.Load() && r.Method == http.MethodGet {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, healthy.Load())
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		json.NewEncoder(w).Encode(answer{host, r.Method, r.URL.Path, r.RemoteAddr, r.Header})
	})
	fatal((&http.Server{Addr: ":" + port, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func serveTCP(port string) {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			fatal(err)
		}
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

func serveGRPC(port string, status *health.Server) {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, status)
	fatal(server.Serve(listener))
}

// serve runs the three servers until SIGTERM.
func serve(arguments []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	httpPort := flags.String("http", "8080", "port of the HTTP server")
	tcpPort := flags.String("tcp", "9000", "port of the TCP echo server")
	grpcPort := flags.String("grpc", "9001", "port of the gRPC health server")
	flags.Parse(arguments)

	healthy := &atomic.Bool{}
	healthy.Store(true)
	status := health.NewServer()
	report := func(ok bool) {
		state := grpc_health_v1.HealthCheckResponse_NOT_SERVING
		if ok {
			state = grpc_health_v1.HealthCheckResponse_SERVING
		}
		status.SetServingStatus("", state)
	}
	go serveHTTP(*httpPort, healthy, report)
	go serveTCP(*tcpPort)
	go serveGRPC(*grpcPort, status)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

type headerFlags []string

func (h *headerFlags) String() string         { return strings.Join(*h, ", ") }
func (h *headerFlags) Set(value string) error { *h = append(*h, value); return nil }

// fetched is what the client prints, as one line of JSON.
type fetched struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

// get sends one request and prints the answer. It fails when there is no answer; a 5xx is an answer.
func get(arguments []string) {
	flags := flag.NewFlagSet("get", flag.ExitOnError)
	method := flags.String("method", "GET", "the request's method")
	timeout := flags.Duration("timeout", 5*time.Second, "how long to wait")
	headers := headerFlags{}
	flags.Var(&headers, "header", "`name: value`, may be repeated")
	flags.Parse(arguments)

	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, *method, flags.Arg(0), nil)
	if err != nil {
		fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		if strings.EqualFold(name, "host") {
			request.Host = strings.TrimSpace(value)
		}
		request.Header.Set(name, strings.TrimSpace(value))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(fetched{response.StatusCode, response.Header, string(body)})
}

// echo sends a line over TCP and prints what comes back.
func echo(arguments []string) {
	connection, err := net.DialTimeout("tcp", arguments[0], 5*time.Second)
	if err != nil {
		fatal(err)
	}
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(connection, arguments[1])
	buffer := make([]byte, len(arguments[1])+1)
	if _, err := io.ReadFull(connection, buffer); err != nil {
		fatal(err)
	}
	fmt.Print(string(buffer))
}

func main() {
	log.SetFlags(0)
	commands := map[string]func([]string){"serve": serve, "get": get, "echo": echo, "admission": admission}
	if len(os.Args) > 1 {
		if command, known := commands[os.Args[1]]; known {
			command(os.Args[2:])
			return
		}
	}
	fatal(fmt.Errorf("usage: app serve | get URL | echo ADDRESS TEXT | admission"))
}
