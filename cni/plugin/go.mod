module outrigger.dev/outrigger-cni

go 1.24
