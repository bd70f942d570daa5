package devtests

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// loggedCall is what these tests look at; docs/records.md lists every field.
type loggedCall struct {
	ID        string `json:"id"`
	Op        string `json:"op_name"`
	Exception string `json:"exception"`
	Summary   struct {
		Usage map[string]struct {
			Requests     int `json:"requests"`
			PromptTokens int `json:"prompt_tokens"`
		} `json:"usage"`
	} `json:"summary"`
}

// logged reads the calls that were logged into a directory. One that took long stands in two lines, its start and its
// end, and has what both say.
func logged(t *testing.T, dir string) []loggedCall {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "calls", "*.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]loggedCall{}
	for _, path := range paths {
		for _, line := range lines(t, path) {
			var record struct{ Data json.RawMessage }
			var parts struct{ Start, End json.RawMessage }
			var id struct{ ID string }
			decode(t, line, &record)
			decode(t, record.Data, &parts)
			for _, part := range []json.RawMessage{parts.Start, parts.End} {
				if part != nil {
					record.Data = part
				}
			}
			decode(t, record.Data, &id)
			call := calls[id.ID]
			decode(t, record.Data, &call)
			calls[id.ID] = call
		}
	}
	return slices.Collect(maps.Values(calls))
}

func lines(t *testing.T, path string) []json.RawMessage {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []json.RawMessage
	for reader := bufio.NewReader(unpacked); ; {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, line)
	}
}

func decode(t *testing.T, text json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// names are the ops that were called, in the order of the alphabet.
func names(calls []loggedCall) []string {
	var found []string
	for _, call := range calls {
		found = append(found, call.Op)
	}
	slices.Sort(found)
	return found
}

// called is the one call of an op.
func called(t *testing.T, calls []loggedCall, op string) loggedCall {
	t.Helper()
	for _, call := range calls {
		if call.Op == op {
			return call
		}
	}
	t.Fatalf("%s was not called; there are %v", op, names(calls))
	return loggedCall{}
}
