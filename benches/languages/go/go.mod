module libweave.test/bench

go 1.24

require (
	github.com/libweave/libweave-go v0.0.0
	libweave.test/harness v0.0.0
)

replace (
	github.com/libweave/libweave-go => ../../../bindings/go
	libweave.test/harness => ../../harness/go
)
