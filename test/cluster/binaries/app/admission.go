package main

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"time"
)

// review is as much of an AdmissionReview as is needed to answer one.
type review struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Request    *struct {
		UID    string `json:"uid"`
		Object struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Containers []struct {
					Name string `json:"name"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"object"`
	} `json:"request,omitempty"`
	Response any `json:"response,omitempty"`
}

// addContainer is a patch that appends the container, unless the Pod has one of that name.
func addContainer(incoming review, name, image string) []map[string]any {
	for _, container := range incoming.Request.Object.Spec.Containers {
		if container.Name == name {
			return nil
		}
	}
	value := map[string]any{"name": name, "image": image, "command": []string{"app", "serve", "-http", "18080", "-tcp", "19000", "-grpc", "19001"}}
	return []map[string]any{{"op": "add", "path": "/spec/containers/-", "value": value}}
}

// admission serves a mutating webhook that adds a container to every Pod: somebody else's injector.
func admission(arguments []string) {
	flags := flag.NewFlagSet("admission", flag.ExitOnError)
	certificate := flags.String("cert", "", "the certificate's file")
	key := flags.String("key", "", "the private key's file")
	name := flags.String("name", "foreign", "the name of the container to add")
	image := flags.String("image", "", "its image")
	flags.Parse(arguments)

	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		incoming := review{}
		body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
		if err != nil || json.Unmarshal(body, &incoming) != nil || incoming.Request == nil {
			http.Error(w, "not a review", http.StatusBadRequest)
			return
		}
		answer := map[string]any{"uid": incoming.Request.UID, "allowed": true}
		if patch := addContainer(incoming, *name, *image); patch != nil {
			text, _ := json.Marshal(patch)
			answer["patchType"], answer["patch"] = "JSONPatch", text
		}
		w.Header().Set("content-type", "application/json")
		json.NewEncoder(w).Encode(review{APIVersion: incoming.APIVersion, Kind: incoming.Kind, Response: answer})
	})
	server := &http.Server{Addr: ":8443", ReadHeaderTimeout: 5 * time.Second}
	fatal(server.ListenAndServeTLS(*certificate, *key))
}
