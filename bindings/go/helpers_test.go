package weave_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

var background = context.Background()

type object = map[string]any

// TestMain takes the settings of whoever runs the tests out of the way.
func TestMain(m *testing.M) {
	for _, setting := range os.Environ() {
		name, _, _ := strings.Cut(setting, "=")
		for _, prefix := range []string{"WEAVE_", "WANDB_", "WF_"} {
			if strings.HasPrefix(name, prefix) {
				os.Unsetenv(name)
			}
		}
	}
	status := m.Run()
	if theServer.stop != nil {
		theServer.stop()
	}
	_ = os.RemoveAll(traces)
	os.Exit(status)
}

// opened is an offline client of "team/demo" in a directory of the test's own.
func opened(t *testing.T, options weave.Options) *weave.Client {
	t.Helper()
	options.Offline = true
	if options.OfflineDir == "" {
		options.OfflineDir = filepath.Join(t.TempDir(), "offline")
	}
	client, err := weave.Init("team/demo", options)
	ok(t, err)
	t.Cleanup(func() { ok(t, client.Close()) })
	return client
}

// within is a context whose ops the client logs.
func within(client *weave.Client) context.Context { return weave.ContextWithClient(background, client) }

// record is a line of a data file.
type record struct {
	Type string `json:"type"`
	Data object `json:"data"`
}

// stored closes the client and reads what it has written, as any gzip tool would.
func stored(t *testing.T, client *weave.Client) []record {
	t.Helper()
	ok(t, client.Close())
	var records []record
	ok(t, filepath.WalkDir(client.OfflineDir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.Contains(entry.Name(), ".jsonl") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		var text io.Reader = file
		if strings.HasSuffix(path, ".gz") {
			if text, err = gzip.NewReader(file); err != nil {
				return err
			}
		}
		lines := json.NewDecoder(text)
		lines.UseNumber()
		for {
			var line record
			if err := lines.Decode(&line); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			records = append(records, line)
		}
	}))
	return records
}

// calls are the calls of a project by the names of their ops, the last one of each name.
func calls(t *testing.T, client *weave.Client) map[string]object {
	t.Helper()
	byName := map[string]object{}
	for _, call := range whole(stored(t, client)) {
		name, _ := call["op_name"].(string)
		byName[name] = call
	}
	return byName
}

// whole are the calls of the records: a start and its end lie in one record or in two.
func whole(records []record) []object {
	var calls []object
	byID := map[any]object{}
	for _, record := range records {
		call := record.Data
		switch record.Type {
		case "call_start":
			call, _ = record.Data["start"].(object)
		case "call_complete":
		default:
			continue
		}
		calls = append(calls, call)
		byID[call["id"]] = call
	}
	for _, data := range of(records, "call_end") {
		end, _ := data["end"].(object)
		for field, value := range end {
			byID[end["id"]][field] = value
		}
	}
	return calls
}

// of are the records of one type.
func of(records []record, kind string) []object {
	var found []object
	for _, record := range records {
		if record.Type == kind {
			found = append(found, record.Data)
		}
	}
	return found
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares by JSON, so that numbers and structs compare with what was read.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if text(t, got) != text(t, want) {
		t.Errorf("%s: got %s, want %s", what, text(t, got), text(t, want))
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	ok(t, err)
	return string(text)
}

// refused checks an error's status, and that its text holds the words.
func refused(t *testing.T, err error, status weave.Status, words ...string) {
	t.Helper()
	if !errors.Is(err, status) {
		t.Fatalf("got %v, want %v", err, status)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not tell of %q", err, word)
		}
	}
}

func path(value any, keys ...string) any {
	for _, key := range keys {
		of, _ := value.(object)
		value = of[key]
	}
	return value
}

// witness is a filter that keeps everything, and what tells whether it was let go of: after its client.
func witness() (filter func(*weave.Record) weave.Decision, released func() bool) {
	seen, gone := &[1]string{"seen"}, new(atomic.Bool)
	runtime.AddCleanup(seen, func(gone *atomic.Bool) { gone.Store(true) }, gone)
	return func(record *weave.Record) weave.Decision { _ = seen[0] + record.Type(); return weave.Keep }, gone.Load
}

// collect collects garbage until something has come of it.
func collect(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still held")
		}
		runtime.GC()
	}
}
