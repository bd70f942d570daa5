package weave_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	weave "github.com/libweave/libweave-go"
)

// traces is where the examples log to. TestMain removes it.
var traces, _ = os.MkdirTemp("", "weave-examples-")

// demo is a client of "team/demo" that the examples share.
func demo() *weave.Client {
	client, err := weave.Init("team/demo", weave.Options{Offline: true, OfflineDir: traces})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// A program logs offline. What it logs is sent by [weave.Sync], later and from anywhere.
func Example() {
	client, err := weave.Init("team/demo", weave.Options{Offline: true, OfflineDir: traces})
	if err != nil {
		log.Fatal(err)
	}
	ctx := weave.ContextWithClient(context.Background(), client)

	greeting, err := weave.Op(ctx, "greet", map[string]any{"name": "Ada"},
		func(context.Context) (string, error) { return "Hello, Ada", nil })
	fmt.Println(greeting, err)

	if err := client.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: Hello, Ada <nil>
}

// Ops inside ops become children. Errors are recorded and come back as they are.
func ExampleOp() {
	client := demo()
	defer client.Close()
	ctx := weave.ContextWithClient(context.Background(), client)

	search := func(ctx context.Context, question string) ([]string, error) {
		return weave.Op(ctx, "search", map[string]any{"question": question},
			func(context.Context) ([]string, error) { return nil, errors.New("no documents") }, weave.WithKind("tool"))
	}
	_, err := weave.Op(ctx, "answer", nil, func(ctx context.Context) (string, error) {
		documents, err := search(ctx, "Where is my order?")
		return strings.Join(documents, "\n"), err
	})
	fmt.Println(err)
	// Output: no documents
}

// A library traces what it does without knowing who traces. It costs next to nothing where nobody does.
func ExampleContextWithClient() {
	double := func(ctx context.Context, n int) int { // of some library
		result, _ := weave.Op(ctx, "double", map[string]any{"n": n},
			func(context.Context) (int, error) { return 2 * n, nil })
		return result
	}
	client := demo()
	defer client.Close()

	fmt.Println(double(context.Background(), 20))
	fmt.Println(double(weave.ContextWithClient(context.Background(), client), 21)) // logged
	// Output:
	// 40
	// 42
}

// Where a function does not fit, calls are started and ended.
func ExampleClient_Start() {
	client := demo()
	defer client.Close()

	ctx, call, err := client.Start(context.Background(), "chat", map[string]any{"question": "?"}, weave.WithKind("llm"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.LogCall(ctx, "retrieve", map[string]any{"k": 2}, []string{"a", "b"}) // a child
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		call.AddUsage("gpt-4o-mini", weave.Usage{PromptTokens: 120, CompletionTokens: 30}),
		call.End("!", nil))
	fmt.Println(err)
	// Output: <nil>
}

// The parent of a call may live in another process. A header carries it.
func ExampleWithRemoteParent() {
	client := demo()
	defer client.Close()

	_, call, err := client.Start(context.Background(), "request", nil)
	if err != nil {
		log.Fatal(err)
	}
	header := call.Carrier()

	_, served, err := client.Start(context.Background(), "serve", nil, weave.WithRemoteParent(header))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(served.TraceID() == call.TraceID())
	// Output: true
}

// A call that is over is logged in one go.
func ExampleClient_LogCall() {
	client := demo()
	defer client.Close()

	began := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	id, err := client.LogCall(context.Background(), "translate", map[string]any{"text": "Bonjour"}, nil,
		weave.WithStartedAt(began), weave.WithEndedAt(began.Add(time.Second)), weave.WithError(context.DeadlineExceeded))
	fmt.Println(len(id), err)
	// Output: 36 <nil>
}

// Many calls of the past are logged together, all or none.
func ExampleClient_LogCalls() {
	client := demo()
	defer client.Close()

	began := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	kept, err := client.LogCalls([]weave.FinishedCall{
		{Op: "embed", Inputs: map[string]any{"text": "a"}, StartedAt: began, EndedAt: began.Add(time.Second)},
		{Op: "embed", Inputs: map[string]any{"text": "b"}, Err: errors.New("too long")},
	})
	fmt.Println(kept, err)
	kept, err = client.LogCalls([]weave.FinishedCall{{Op: "embed"}, {Op: "embed", TraceID: "?"}})
	fmt.Println(kept, errors.Is(err, weave.StatusInvalidID))
	// Output:
	// 2 <nil>
	// 0 true
}

// What has JSON already, as a gateway does, is not encoded again.
func ExampleClient_LogCallJSON() {
	client := demo()
	defer client.Close()

	request, response := json.RawMessage(`{"model": "gpt-4o-mini"}`), json.RawMessage(`{"choices": []}`)
	_, err := client.LogCallJSON(context.Background(), "chat", request, response)
	fmt.Println(err)
	// Output: <nil>
}

// An object, and an op with its source, are published once, and named in calls by their references.
func ExampleClient_CreateObject() {
	client := demo()
	defer client.Close()

	config, err := client.CreateObject("config", map[string]any{"temperature": 0.2})
	if err != nil {
		log.Fatal(err)
	}
	op, err := client.CreateOp("double", "func double(n int) int { return 2 * n }")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.LogCall(context.Background(), op, map[string]any{"config": config, "n": 21}, 42)
	fmt.Println(strings.HasPrefix(config, "weave:///team/demo/object/config:"), err)
	// Output: true <nil>
}

// Rows of a dataset have references too.
func ExampleClient_CreateDataset() {
	client := demo()
	defer client.Close()

	type row struct {
		Question string `json:"question"`
		Expected string `json:"expected"`
	}
	rows := []row{{"Where is my order?", "in Köln"}, {"Can I return it?", "within 30 days"}}
	dataset, err := client.CreateDataset("orders", "", rows)
	if err != nil {
		log.Fatal(err)
	}
	first, err := client.DatasetRowRef(dataset, rows[0])
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.LogCall(context.Background(), "check", map[string]any{"row": first}, true)
	fmt.Println(strings.HasPrefix(first, dataset), err)
	// Output: true <nil>
}

// A loss may be NaN, which encoding/json refuses.
func ExampleFloat() {
	client := demo()
	defer client.Close()

	loss := math.Log(-1)
	_, err := client.LogCall(context.Background(), "step", map[string]any{"loss": loss}, nil)
	fmt.Println(errors.Is(err, weave.StatusInvalidJSON))
	_, err = client.LogCall(context.Background(), "step", map[string]any{"loss": weave.Float(loss)}, nil)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// A sync that cannot reach the server loses nothing. The next one sends what is left.
func ExampleSync() {
	client := demo()
	if _, err := client.LogCall(context.Background(), "op", nil, nil); err != nil {
		log.Fatal(err)
	}
	if err := client.Close(); err != nil {
		log.Fatal(err)
	}

	// The server and the key come from the environment, where they are not given.
	nobody := weave.Server{BaseURL: "http://127.0.0.1:1", TraceServerURL: "http://127.0.0.1:1", APIKey: strings.Repeat("k", 40)}
	results, err := weave.Sync(context.Background(), weave.SyncOptions{OfflineDir: traces, Server: nobody})
	switch {
	case errors.Is(err, weave.StatusNetwork):
		fmt.Println("the server cannot be reached; later")
	case errors.Is(err, weave.StatusIncomplete):
		fmt.Println("the server did not take everything:", err)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println(results["team/demo"]["calls"].Synced, "calls sent")
	}
	// Output: the server cannot be reached; later
}

// The library says nothing by itself. Its messages go to a logger with their levels.
func ExampleSetLogger() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // of no use here
		}
		return a
	}})
	weave.SetLogger(slog.New(text).With("library", "weave"))
	defer weave.SetLogger(nil)

	client := demo()
	defer client.Close()
	_, _ = client.LogCall(context.Background(), "op", nil, nil, weave.WithSummary(map[string]any{"weave": map[string]any{}}))
	// Output: level=WARN msg="summary.weave belongs to the server and was left out" library=weave
}
