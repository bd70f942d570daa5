module libweave.test/harness

go 1.24
