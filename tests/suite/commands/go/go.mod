module libweave.test/command

go 1.24

require github.com/libweave/libweave-go v0.0.0

replace github.com/libweave/libweave-go => ../../../../bindings/go
