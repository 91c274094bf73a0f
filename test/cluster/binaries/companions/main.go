// Command companions is two programs that clusters have beside Kubernetes: cert-manager's controllers and its CA injector,
// and Helm's template engine. Its first argument says which one it is.
package main

import (
	"fmt"
	"os"
)

func main() {
	programs := map[string]func(arguments []string) error{
		"cert-manager":  runCertManager,
		"helm-template": renderChart,
	}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: companions cert-manager KUBECONFIG | helm-template CHART VALUES NAMESPACE")
		os.Exit(2)
	}
	if err := programs[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "companions:", err)
		os.Exit(1)
	}
}
