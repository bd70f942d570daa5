// Command bench measures the library from Go.
package main

import (
	"context"

	weave "github.com/libweave/libweave-go"
	"libweave.test/harness"
)

func main() {
	var client *weave.Client
	background := context.Background()
	harness.Main(harness.Design{
		Open: func(dir string) (err error) {
			client, err = weave.Init("team/bench", weave.Options{Offline: true, OfflineDir: dir})
			return err
		},
		Log: func(call *harness.Call) error {
			_, err := client.LogCallJSON(background, call.Op, call.Inputs, call.Output)
			return err
		},
		Drain: func() error { return client.Flush(background) },
		Close: func() error { return client.Close() },
	})
}
