// outrigger-cni is what the container runtime runs for every Pod's network. It decides nothing that the node agent can
// decide: it answers what needs nobody (unaided.go), hands the rest to the agent over a Unix socket (agent.go), and prints
// prevResult or the error. It is one static file, since a node may have no Node.js, no shell and no libraries.
//
// Specification: https://www.cni.dev/docs/spec/, versions 0.3.1 to 1.1.0.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// version is set by the linker.
var version = "unknown"

var supportedVersions = []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"}

const (
	maxConfigBytes = 1 << 20
	// A runtime has written it all before this program runs; one that does not must not keep a Pod waiting for ever.
	inputTimeout = 10 * time.Second
)

// configuration is the part of the network configuration that this program looks at.
type configuration struct {
	CniVersion        string          `json:"cniVersion"`
	RunDirectory      string          `json:"run_directory"`
	ExcludeNamespaces []string        `json:"exclude_namespaces"`
	Agent             agentPods       `json:"agent"`
	AgentPatienceMs   *int64          `json:"agent_patience_ms"`
	RuntimeConfig     runtimeConfig   `json:"runtimeConfig"`
	PrevResult        json.RawMessage `json:"prevResult"`
}

// agentPods is how the node agent's own Pods are known: they must start while no agent answers.
type agentPods struct {
	Namespace string `json:"namespace"`
	PodPrefix string `json:"pod_prefix"`
}

type runtimeConfig struct {
	// Absent when the runtime does not pass annotations.
	PodAnnotations map[string]string `json:"io.kubernetes.cri.pod-annotations"`
}

type input struct {
	text []byte
	err  error
}

// readInput reads standard input to its end, or as far as is allowed.
func readInput(most int64, timeout time.Duration) ([]byte, error) {
	done := make(chan input, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, most))
		done <- input{text, err}
	}()
	select {
	case read := <-done:
		return read.text, read.err
	case <-time.After(timeout):
		return nil, fmt.Errorf("it did not end within %.0f s", timeout.Seconds())
	}
}

// readConfiguration fills in the configuration and returns its text.
func readConfiguration(config *configuration) (string, error) {
	text, err := readInput(maxConfigBytes+1, inputTimeout)
	if err != nil {
		return "", fail(codeReadFailed, "cannot read the network configuration from standard input", err.Error())
	}
	if len(text) > maxConfigBytes {
		return "", fail(codeReadFailed, "the network configuration is too long", fmt.Sprintf("the limit is %d bytes", maxConfigBytes))
	}
	if err := json.Unmarshal(text, config); err != nil {
		return "", fail(codeDecodeFailed, "cannot decode the network configuration", err.Error())
	}
	return string(text), nil
}

func checkVersion(command string, config *configuration) error {
	if !slices.Contains(supportedVersions, config.CniVersion) {
		return fail(codeIncompatibleVersion, fmt.Sprintf("cniVersion %q is not supported", config.CniVersion), fmt.Sprintf("supported are %v", supportedVersions))
	}
	// The four versions compare as text; a command that is not listed came with the first.
	since := map[string]string{"CHECK": "0.4.0", "STATUS": "1.1.0", "GC": "1.1.0"}[command]
	if config.CniVersion < since {
		return fail(codeIncompatibleVersion, fmt.Sprintf("cniVersion %q has no %s", config.CniVersion, command), "it came with "+since)
	}
	return nil
}

// capture sees to the Pod's rules (ADD) or looks whether they are there (CHECK).
func capture(command, text string, config *configuration) error {
	for _, name := range []string{"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"} {
		if os.Getenv(name) == "" {
			return fail(codeInvalidEnvironment, "the environment variable "+name+" is missing", "")
		}
	}
	if passesUnaided(config, os.Getenv("CNI_ARGS")) {
		return nil
	}
	return askAgent(config.RunDirectory, patienceOf(config), request{
		Protocol:    protocol,
		Command:     command,
		ContainerID: os.Getenv("CNI_CONTAINERID"),
		Netns:       os.Getenv("CNI_NETNS"),
		Ifname:      os.Getenv("CNI_IFNAME"),
		Args:        os.Getenv("CNI_ARGS"),
		Config:      text,
	})
}

// result is prevResult, byte for byte. There is none when no plugin stands before this one: a meta plugin that attaches a
// Pod to several networks calls this one alone.
func result(config *configuration) []byte {
	if len(config.PrevResult) > 0 && string(config.PrevResult) != "null" {
		return config.PrevResult
	}
	text, _ := json.Marshal(map[string]string{"cniVersion": config.CniVersion})
	return text
}

// answer returns what goes to standard output, and fills in the configuration as soon as it is read.
func answer(command string, config *configuration) ([]byte, error) {
	if command == "DEL" {
		// The rules go with the namespace. Taking them away earlier would let what still runs bypass the mesh.
		return nil, nil
	}
	if !slices.Contains([]string{"ADD", "CHECK", "STATUS", "GC", "VERSION"}, command) {
		message := fmt.Sprintf("CNI_COMMAND %q is not one of ADD, DEL, CHECK, STATUS, GC, VERSION", command)
		return nil, fail(codeInvalidEnvironment, message, "outrigger-cni "+version+" is run by a container runtime")
	}
	text, err := readConfiguration(config)
	if err != nil {
		return nil, err
	}
	if command == "VERSION" {
		return json.Marshal(map[string]any{"cniVersion": config.CniVersion, "supportedVersions": supportedVersions})
	}
	if err := checkVersion(command, config); err != nil {
		return nil, err
	}
	switch command {
	case "ADD":
		return result(config), capture(command, text, config)
	case "CHECK":
		return nil, capture(command, text, config)
	default:
		// GC: nothing is kept outside the Pods' namespaces. STATUS: the agent is not asked, since a runtime that hears "not
		// available" starts no Pod at all on this node, the agent's own among them.
		return nil, nil
	}
}

func main() {
	config := &configuration{}
	out, err := answer(os.Getenv("CNI_COMMAND"), config)
	code := 0
	if err != nil {
		out, code = errorDocument(err, config), 1
	}
	if len(out) > 0 {
		if _, err := os.Stdout.Write(append(out, '\n')); err != nil {
			code = 1
		}
	}
	os.Exit(code)
}
