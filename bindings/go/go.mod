module github.com/libweave/libweave-go

go 1.24
