// The container runtimes' own library for CNI, as a command for tests; see main.go.
module outrigger.dev/test/libcni

go 1.24

require github.com/containernetworking/cni v1.3.0
