// Command kubernetes is every program of a Kubernetes cluster in one file: its first argument, or its own name, says
// which one it is. The test cluster runs it on a machine that has a Go toolchain and no container registry.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	kubectl "k8s.io/kubectl/pkg/cmd"

	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

func run(command *cobra.Command) func() {
	return func() { os.Exit(cli.Run(command)) }
}

var programs = map[string]func() func(){
	"etcd":                    func() func() { return serveEtcd },
	"kube-apiserver":          func() func() { return run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() func() { return run(controllers.NewControllerManagerCommand()) },
	"kube-scheduler":          func() func() { return run(scheduler.NewSchedulerCommand()) },
	"kubelet":                 func() func() { return run(kubelet.NewKubeletCommand(context.Background())) },
	"kube-proxy":              func() func() { return run(proxy.NewProxyCommand()) },
	"kubectl":                 func() func() { return run(kubectl.NewDefaultKubectlCommand()) },
	"coredns":                 func() func() { return serveDNS },
}

func serveDNS() {
	dnsserver.Directives = []string{"errors", "ready", "cache", "kubernetes"}
	coremain.Run()
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, known := programs[name]; !known && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	program, known := programs[name]
	if !known {
		names := make([]string, 0, len(programs))
		for each := range programs {
			names = append(names, each)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: kubernetes PROGRAM [ARGUMENTS]; PROGRAM is one of %v\n", names)
		os.Exit(2)
	}
	program()()
}
