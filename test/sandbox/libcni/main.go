// libcni runs a chain of CNI plugins as containerd and CRI-O do: it is a thin command over the library that both use.
//
//	libcni ADD|CHECK|DEL|GC|STATUS NETWORK-FILE < request.json
//
// The request has what a runtime would fill in. ADD prints the result; an error goes to standard error as JSON, with its
// CNI code, and the exit code is 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

type request struct {
	ContainerID    string         `json:"containerId"`
	Netns          string         `json:"netns"`
	Ifname         string         `json:"ifname"`
	Args           [][2]string    `json:"args"`
	CapabilityArgs map[string]any `json:"capabilityArgs"`
	PluginFolders  []string       `json:"pluginFolders"`
	CacheFolder    string         `json:"cacheFolder"`
	// For GC: the containers that are still there, each with its interface.
	Valid []types.GCAttachment `json:"valid"`
}

func run(command, file string, asked request) (types.Result, error) {
	network, err := libcni.ConfListFromFile(file)
	if err != nil {
		return nil, err
	}
	cni := libcni.NewCNIConfigWithCacheDir(asked.PluginFolders, asked.CacheFolder, nil)
	runtime := &libcni.RuntimeConf{
		ContainerID:    asked.ContainerID,
		NetNS:          asked.Netns,
		IfName:         asked.Ifname,
		Args:           asked.Args,
		CapabilityArgs: asked.CapabilityArgs,
	}
	ctx := context.Background()
	switch command {
	case "ADD":
		return cni.AddNetworkList(ctx, network, runtime)
	case "CHECK":
		return nil, cni.CheckNetworkList(ctx, network, runtime)
	case "DEL":
		return nil, cni.DelNetworkList(ctx, network, runtime)
	case "GC":
		return nil, cni.GCNetworkList(ctx, network, &libcni.GCArgs{ValidAttachments: asked.Valid})
	case "STATUS":
		return nil, cni.GetStatusNetworkList(ctx, network)
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	asked := request{}
	if err == nil {
		err = json.Unmarshal(text, &asked)
	}
	var result types.Result
	if err == nil {
		result, err = run(os.Args[1], os.Args[2], asked)
	}
	if err == nil && result != nil {
		err = result.PrintTo(os.Stdout)
	}
	if err == nil {
		return
	}
	document := map[string]any{"msg": err.Error()}
	if plugin := (&types.Error{}); errors.As(err, &plugin) {
		document = map[string]any{"code": plugin.Code, "msg": plugin.Msg, "details": plugin.Details}
	}
	_ = json.NewEncoder(os.Stderr).Encode(document)
	os.Exit(1)
}
