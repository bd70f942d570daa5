package weave_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
