// Command quickstart logs a call with a child offline, and sends it when there is an API key.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	weave "github.com/libweave/libweave-go"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	client, err := weave.Init("quickstart", weave.Options{Offline: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx = weave.ContextWithClient(ctx, client)

	greeting, err := weave.Op(ctx, "greet", map[string]any{"name": "world"},
		func(ctx context.Context) (string, error) {
			// The call that is under way is in the context, and so the parent of this one.
			return weave.Op(ctx, "shout", map[string]any{"text": "hello, world"},
				func(context.Context) (string, error) { return strings.ToUpper("hello, world"), nil })
		})
	if err != nil {
		return err
	}
	fmt.Println(greeting)
	fmt.Println("stored in", client.OfflineDir())

	if os.Getenv("WANDB_API_KEY") == "" {
		fmt.Println("set WANDB_API_KEY to send it")
		return nil
	}
	if err := client.Close(); err != nil {
		return err
	}
	results, err := weave.Sync(ctx, weave.SyncOptions{})
	for project, kinds := range results {
		fmt.Printf("%s: %d calls sent, %d not\n", project, kinds["calls"].Synced, kinds["calls"].Errors)
	}
	return err
}
