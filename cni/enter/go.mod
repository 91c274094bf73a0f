module outrigger.dev/enter

go 1.24
