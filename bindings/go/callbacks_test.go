package weave_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
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

func TestACallWhoseStartAFilterPanickedAtIsReleasedWithItsClient(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "offline")
	client, err := weave.Init("team/demo", weave.Options{Offline: true, OfflineDir: dir,
		Filter: func(*weave.Record) weave.Decision { panic("of the filter") }})
	ok(t, err)
	func() {
		defer func() { _ = recover() }()
		_, _, err := client.Start(background, "op", nil)
		t.Errorf("returned %v", err)
	}()
	// The library takes a process's journal away with what was last open there.
	collect(t, func() bool {
		journals, err := filepath.Glob(filepath.Join(dir, ".weave/journals/*"))
		ok(t, err)
		return len(journals) == 0
	})
}

func TestAGoexitOfAFilterIsAnErrorForWhoLogsAndDropsTheRecord(t *testing.T) {
	client := opened(t, weave.Options{Filter: func(record *weave.Record) weave.Decision {
		if bytes.Contains(record.JSON(), []byte("trouble")) {
			runtime.Goexit()
		}
		return weave.Keep
	}})
	var workers sync.WaitGroup
	for range 16 {
		workers.Add(1)
		go func() {
			returned := 0
			defer func() { same(t, "calls that returned", returned, 20); workers.Done() }()
			for range 20 {
				_, err := client.LogCall(background, "trouble", nil, nil)
				if !errors.Is(err, weave.StatusCancelled) || !strings.Contains(err.Error(), "runtime.Goexit") {
					t.Errorf("returned %v", err)
				}
				if _, err := client.LogCall(background, "fine", nil, nil); err != nil {
					t.Error(err)
				}
				returned++
			}
		}()
	}
	workers.Wait()
	dropped, err := client.Dropped()
	ok(t, err)
	same(t, "dropped", dropped, 320)
	same(t, "calls", len(whole(stored(t, client))), 320)
}

func TestAGoexitOfAFilterLeavesAnOpUnlogged(t *testing.T) {
	for _, dropped := range []string{"call_start", "call_end"} {
		var told []error
		client := opened(t, weave.Options{OnError: func(err error) { told = append(told, err) },
			Filter: func(record *weave.Record) weave.Decision {
				if record.Type() == dropped {
					runtime.Goexit()
				}
				return weave.Keep
			}})
		result, err := weave.Op(within(client), "op", nil,
			func(context.Context) (string, error) { return "done", nil })
		ok(t, err)
		same(t, "result", result, "done")
		if len(told) != 1 || !errors.Is(told[0], weave.StatusCancelled) {
			t.Errorf("of the %s it was told %v", dropped, told)
		}
	}
}

func TestAGoexitInsideAFilterThatLogsReachesTheFilterAlone(t *testing.T) {
	var client atomic.Pointer[weave.Client]
	client.Store(opened(t, weave.Options{Filter: func(record *weave.Record) weave.Decision {
		if bytes.Contains(record.JSON(), []byte(`"inner"`)) {
			runtime.Goexit()
		}
		if _, err := client.Load().LogCall(background, "inner", nil, nil); !errors.Is(err, weave.StatusCancelled) {
			t.Errorf("returned %v", err)
		}
		return weave.Keep
	}}))
	_, err := client.Load().LogCall(background, "outer", nil, nil)
	ok(t, err)
	found := calls(t, client.Load())
	if len(found) != 1 || found["outer"] == nil {
		t.Errorf("%v", found)
	}
}

// leaving is a handler of log messages that ends its goroutine.
type leaving struct{ asked *atomic.Int32 }

func (leaving) Enabled(context.Context, slog.Level) bool { return true }
func (l leaving) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l leaving) WithGroup(string) slog.Handler          { return l }
func (l leaving) Handle(context.Context, slog.Record) error {
	l.asked.Add(1)
	runtime.Goexit()
	return nil
}

func TestAGoexitOfALoggerDoesNotReachWhoLogs(t *testing.T) {
	client := opened(t, weave.Options{})
	defer weave.SetLogger(nil)
	var asked atomic.Int32
	weave.SetLogger(slog.New(leaving{&asked}))
	_, err := client.LogCall(background, "op", nil, nil, weave.WithSummary(object{"weave": object{}}))
	weave.SetLogger(nil)
	ok(t, err)
	if asked.Load() == 0 {
		t.Error("the logger was not asked")
	}
	same(t, "calls", len(calls(t, client)), 1)
}

func TestAGoexitOfALoggerLeavesTheLibrarysThreadsAlone(t *testing.T) {
	defer weave.SetLogger(nil)
	var asked atomic.Int32
	weave.SetLogger(slog.New(leaving{&asked}))
	nobody := unused(t)
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: t.TempDir(),
		Server: weave.Server{APIKey: key, BaseURL: nobody, TraceServerURL: nobody}})
	ok(t, err)
	before := asked.Load()
	refused(t, client.Flush(background), weave.StatusNetwork)
	refused(t, client.Flush(background), weave.StatusNetwork) // begun when what the first one said was said
	if asked.Load() == before {
		t.Error("the logger was not asked")
	}
	weave.SetLogger(nil)
	expired, cancel := context.WithTimeout(background, 0)
	defer cancel()
	refused(t, client.Finish(expired), weave.StatusTimeout)
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
