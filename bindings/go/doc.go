// Package weave logs traces for W&B Weave, offline first: what a program logs is kept on disk. A client sends it to the
// server in the background, unless it is [Options.Offline]; [Sync] sends what lies on the disk, as any other tool of
// libweave does.
//
//	client, err := weave.Init("team/project", weave.Options{Offline: true})
//	if err != nil { … }
//	defer client.Close()
//	ctx = weave.ContextWithClient(ctx, client)
//	answer, err := weave.Op(ctx, "answer", map[string]any{"question": question},
//		func(ctx context.Context) (string, error) { … }) // ops that get this ctx are its children
//
// [Op] makes a call of a function, for the client of its context; [Client.Start] and [Call.End] are its two halves, and
// [Client.LogCall] logs what is over already.
//
// # Values
//
// Values become JSON by encoding/json. A [json.RawMessage] is passed as it stands, so that it may also hold what
// encoding/json refuses, such as NaN (the library makes it null; so does [Float]). A value that has no JSON form is an
// error that names the field; an op is then logged without it.
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
// The package needs cgo, weave.h and the library. Where they are not in the compiler's own places:
//
//	CGO_CFLAGS="-I/opt/weave/include" CGO_LDFLAGS="-L/opt/weave/lib -Wl,-rpath,/opt/weave/lib" go build
//
// The tag weave_pkgconfig asks pkg-config instead, and weave_static links libweave.a into the program.
package weave
