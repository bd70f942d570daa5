// Package weave logs traces for W&B Weave, offline first: what a program logs is kept on disk. A client sends it to the
// server in the background, unless it is [Options.Offline]; [Sync] sends what lies on the disk, as any other tool of
// libweave does.
//
//	client, err := weave.Init("team/project", weave.Options{Offline: true})
//	if err != nil { … }
//	defer client.Close()
//	ctx, call, err := client.Start(ctx, "answer", map[string]any{"question": question})
//	…                                    // calls started with this ctx are its children
//	err = call.End(answer, err)
//
// [Op] wraps a function in a call. Values become JSON by encoding/json; a [json.RawMessage] is passed as it stands, so
// that it may also hold what encoding/json cannot write, such as NaN (the library makes it null).
//
// # Errors
//
// Every error of the library is an [*Error] with a [Status] and a text that says what to do. Statuses are errors
// themselves: errors.Is(err, weave.StatusClosed).
//
// # Concurrency
//
// Everything may be used by any number of goroutines at a time. Logging does not wait for the network. Handles are
// released when nothing refers to them any more, calls included; [Client.Close] is what brings everything to the disk,
// or online to the server, in time.
//
// # Building
//
// The package needs cgo, weave.h and libweave.so. Where they are not in the compiler's own places:
//
//	CGO_CFLAGS="-I/opt/weave/include" CGO_LDFLAGS="-L/opt/weave/lib -Wl,-rpath,/opt/weave/lib" go build ./...
package weave
