package weave_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	weave "github.com/libweave/libweave-go"
)

func TestAFilterKeepsChangesOrDropsRecords(t *testing.T) {
	var escaped *weave.Record
	client := opened(t, weave.Options{Filter: func(record *weave.Record) weave.Decision {
		escaped = record
		var call object
		if err := json.Unmarshal(record.JSON(), &call); err != nil || record.Type() != "call_complete" {
			return weave.Keep
		}
		switch call["op_name"] {
		case "drop":
			return weave.Drop
		case "change":
			call["output"] = "hidden"
			changed, _ := json.Marshal(call)
			if err := record.SetJSON(changed); err != nil {
				t.Error(err)
			}
		case "spoil":
			if err := record.SetJSON([]byte("{")); !errors.Is(err, weave.StatusInvalidJSON) {
				t.Error(err)
			}
		}
		return weave.Keep
	}})
	for _, op := range []string{"keep", "drop", "change"} {
		_, err := client.LogCall(background, op, nil, "plain")
		ok(t, err)
	}
	_, err := client.LogCall(background, "spoil", nil, nil)
	refused(t, err, weave.StatusInvalidJSON)
	dropped, err := client.Dropped()
	ok(t, err)
	same(t, "dropped", dropped, 1)
	found := calls(t, client)
	same(t, "calls", len(found), 2)
	same(t, "outputs", []any{found["keep"]["output"], found["change"]["output"]}, []string{"plain", "hidden"})
	if escaped.Type() != "" || len(escaped.JSON()) != 0 {
		t.Error("a record lives on after the filter")
	}
	refused(t, escaped.SetJSON([]byte("{}")), weave.StatusInvalidArgument)
}

func TestAFilterMayLog(t *testing.T) {
	var client atomic.Pointer[weave.Client]
	client.Store(opened(t, weave.Options{Filter: func(record *weave.Record) weave.Decision {
		if bytes.Contains(record.JSON(), []byte(`"outer"`)) {
			if _, err := client.Load().LogCall(background, "inner", nil, nil); err != nil {
				t.Error(err)
			}
		}
		return weave.Keep
	}}))
	_, err := client.Load().LogCall(background, "outer", nil, nil)
	ok(t, err)
	same(t, "calls", len(calls(t, client.Load())), 2)
}

func TestAPanicOfAFilterReachesWhoLogsAndDropsTheRecord(t *testing.T) {
	client := opened(t, weave.Options{Filter: func(record *weave.Record) weave.Decision {
		if bytes.Contains(record.JSON(), []byte("trouble")) {
			panic("of the filter")
		}
		return weave.Keep
	}})
	var workers sync.WaitGroup
	for range 16 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for range 20 {
				func() {
					defer func() {
						if raised := recover(); raised != "of the filter" {
							t.Errorf("raised %v", raised)
						}
					}()
					_, err := client.LogCall(background, "trouble", nil, nil)
					t.Errorf("returned %v", err)
				}()
				if _, err := client.LogCall(background, "fine", nil, nil); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	workers.Wait()
	same(t, "calls", len(whole(stored(t, client))), 320)
}

func TestMessagesGoToTheLogger(t *testing.T) {
	client := opened(t, weave.Options{})
	warn := func() {
		_, err := client.LogCall(background, "op", nil, nil, weave.WithSummary(object{"weave": object{}}))
		ok(t, err)
	}
	defer weave.SetLogger(nil)
	var heard safeBuffer
	weave.SetLogger(slog.New(slog.NewTextHandler(&heard, nil)))
	warn()
	if text := heard.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "summary.weave") {
		t.Errorf("heard %q", text)
	}
	var errorsOnly safeBuffer
	weave.SetLogger(slog.New(slog.NewTextHandler(&errorsOnly, &slog.HandlerOptions{Level: slog.LevelError})))
	warn()
	weave.SetLogger(nil)
	warn()
	if text := errorsOnly.String(); text != "" || strings.Count(heard.String(), "\n") != 1 {
		t.Errorf("heard %q, and before %q", text, heard.String())
	}
}

// safeBuffer may be read while threads of the library still write.
type safeBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(text)
}

func (b *safeBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.String()
}
