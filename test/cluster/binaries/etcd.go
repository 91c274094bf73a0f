package main

import (
	"flag"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

func mustURL(text string) url.URL {
	parsed, err := url.Parse(text)
	if err != nil {
		log.Fatalf("etcd: %q is not a URL: %v", text, err)
	}
	return *parsed
}

// serveEtcd runs a store of one member that answers on --client and keeps its data in --data until SIGTERM.
func serveEtcd() {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	data := flags.String("data", "", "the folder that holds the store")
	client := flags.String("client", "http://127.0.0.1:2379", "the URL to answer clients on")
	peer := flags.String("peer", "http://127.0.0.1:2380", "the URL for other members, of which there are none")
	if err := flags.Parse(os.Args[1:]); err != nil {
		log.Fatal(err)
	}

	config := embed.NewConfig()
	config.Dir = *data
	config.LogLevel = "error"
	// A test cluster is thrown away with its machine: losing the last writes in a crash costs nothing, waiting for the disk does.
	config.UnsafeNoFsync = true
	config.ListenClientUrls = []url.URL{mustURL(*client)}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = []url.URL{mustURL(*peer)}
	config.AdvertisePeerUrls = config.ListenPeerUrls
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		log.Fatalf("etcd: %v", err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		server.Close()
	case err := <-server.Err():
		log.Fatalf("etcd: %v", err)
	}
}
