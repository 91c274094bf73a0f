package main

import (
	"slices"
	"strings"
)

const statusAnnotation = "sidecar.istio.io/status"

// passesUnaided says whether a Pod surely needs no rules, by what the runtime already told: it is the agent's own, it
// stands in an excluded namespace, it is no Pod at all, or no webhook injected it. Such Pods start at once, and also while
// no agent answers. The agent's decide.ts has the same rules and more; test/sandbox/cni-plugin-agent.test.ts holds them together.
func passesUnaided(config *configuration, args string) bool {
	namespace, name := argument(args, "K8S_POD_NAMESPACE"), argument(args, "K8S_POD_NAME")
	if namespace == "" || name == "" {
		return true
	}
	agent := config.Agent
	if agent.PodPrefix != "" && namespace == agent.Namespace && strings.HasPrefix(name, agent.PodPrefix) {
		return true
	}
	if slices.Contains(config.ExcludeNamespaces, namespace) {
		return true
	}
	annotations := config.RuntimeConfig.PodAnnotations
	_, injected := annotations[statusAnnotation]
	return annotations != nil && !injected
}

// argument reads one value of CNI_ARGS, whose pairs stand in any order: IgnoreUnknown=1;K8S_POD_NAME=web.
func argument(args, name string) string {
	for _, pair := range strings.Split(args, ";") {
		if key, value, found := strings.Cut(pair, "="); found && key == name {
			return value
		}
	}
	return ""
}
