package weave_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

func TestCallsStartedWithTheContextAreChildren(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, outer, err := client.Start(background, "outer", object{"a": 1})
	ok(t, err)
	_, inner, err := client.Start(ctx, "inner", nil)
	ok(t, err)
	logged, err := client.LogCall(ctx, "logged", nil, "done")
	ok(t, err)
	ok(t, inner.End(nil, nil))
	ok(t, outer.End([]int{1, 2}, nil))
	found := calls(t, client)
	same(t, "inputs", found["outer"]["inputs"], object{"a": 1})
	same(t, "output", found["outer"]["output"], []int{1, 2})
	same(t, "parent of outer", found["outer"]["parent_id"], nil)
	same(t, "id", found["logged"]["id"], logged)
	for _, child := range []string{"inner", "logged"} {
		same(t, "parent of "+child, found[child]["parent_id"], outer.ID())
		same(t, "trace of "+child, found[child]["trace_id"], outer.TraceID())
	}
	same(t, "inner", found["inner"]["id"], inner.ID())
}

func TestGoroutinesStartChildrenOfOneCall(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, root, err := client.Start(background, "root", nil)
	ok(t, err)
	var workers sync.WaitGroup
	for worker := range 32 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for range 20 {
				_, child, err := client.Start(ctx, "child", object{"worker": worker})
				if err == nil {
					err = child.AddUsage("m", weave.Usage{PromptTokens: 1, CompletionTokens: 2})
				}
				if err == nil {
					err = child.End(worker, nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	workers.Wait()
	ok(t, root.End(nil, nil))
	found := whole(stored(t, client))
	if len(found) != 641 {
		t.Fatalf("%d calls", len(found))
	}
	for _, call := range found {
		if call["op_name"] == "root" {
			same(t, "prompt tokens", path(call, "summary", "usage", "m", "prompt_tokens"), 640)
			same(t, "completion tokens", path(call, "summary", "usage", "m", "completion_tokens"), 1280)
		} else {
			same(t, "parent", call["parent_id"], root.ID())
		}
	}
}

func TestGoroutinesMaySetTheSameCall(t *testing.T) {
	client := opened(t, weave.Options{})
	_, call, err := client.Start(background, "op", nil)
	ok(t, err)
	var workers sync.WaitGroup
	for range 16 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for range 50 {
				if err := call.AddUsage("m", weave.Usage{PromptTokens: 1}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	workers.Wait()
	ok(t, call.End(nil, nil))
	same(t, "tokens", path(calls(t, client)["op"], "summary", "usage", "m", "prompt_tokens"), 800)
}

func TestAContextOfAnotherProjectIsNoParent(t *testing.T) {
	client := opened(t, weave.Options{})
	other, err := weave.Init("team/other", weave.Options{Offline: true, OfflineDir: client.OfflineDir()})
	ok(t, err)
	ctx, call, err := other.Start(background, "elsewhere", nil)
	ok(t, err)
	_, err = client.LogCall(ctx, "here", nil, nil)
	ok(t, err)
	_, err = client.LogCall(ctx, "forced", nil, nil, weave.WithParent(call))
	refused(t, err, weave.StatusInvalidArgument, "parent")
	ok(t, other.Close())
	same(t, "parent", calls(t, client)["here"]["parent_id"], nil)
}

func TestOptionsSayMoreOfACall(t *testing.T) {
	client := opened(t, weave.Options{})
	began := time.Date(2024, 5, 6, 7, 8, 9, 123456000, time.UTC)
	id := "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b"
	_, err := client.LogCall(background, "op", nil, nil,
		weave.WithID(id), weave.WithDisplayName("shown"), weave.WithThread("t"), weave.WithKind("llm"),
		weave.WithAttributes(object{"env": "demo"}), weave.WithSummary(object{"own": 1}),
		weave.WithUsage("m", weave.Usage{PromptTokens: 3, CompletionTokens: 4}),
		weave.WithUsage("n", object{"prompt_tokens": 1}), weave.WithUsage("m", weave.Usage{CompletionTokens: 1}),
		weave.WithStartedAt(began), weave.WithEndedAt(began.Add(time.Second)),
		weave.WithRun("team/demo/run1", 5, 6), weave.WithError(nil))
	ok(t, err)
	call := calls(t, client)["op"]
	same(t, "id", call["id"], id)
	same(t, "display name", call["display_name"], "shown")
	same(t, "thread", call["thread_id"], "t")
	same(t, "turn", call["turn_id"], id)
	same(t, "attributes", path(call, "attributes", "env"), "demo")
	same(t, "kind", path(call, "attributes", "weave", "kind"), "llm")
	same(t, "source", path(call, "attributes", "weave", "source"), "libweave-go")
	same(t, "own summary", path(call, "summary", "own"), 1)
	same(t, "usage", path(call, "summary", "usage", "m", "completion_tokens"), 5)
	same(t, "all tokens", path(call, "summary", "usage", "m", "total_tokens"), 8)
	same(t, "usage of another model", path(call, "summary", "usage", "n", "prompt_tokens"), 1)
	same(t, "began", call["started_at"], "2024-05-06T07:08:09.123456Z")
	same(t, "ended", call["ended_at"], "2024-05-06T07:08:10.123456Z")
	same(t, "run", []any{call["wb_run_id"], call["wb_run_step"], call["wb_run_step_end"]}, []any{"team/demo/run1", 5, 6})
	same(t, "exception", call["exception"], nil)
}

func TestANilMapIsNothing(t *testing.T) {
	client := opened(t, weave.Options{})
	var none map[string]any
	_, err := client.LogCall(within(client), "op", none, nil, weave.WithAttributes(none), weave.WithSummary(none),
		weave.CallOption{})
	ok(t, err)
	same(t, "inputs", calls(t, client)["op"]["inputs"], map[string]any{})
}

func TestTheParentCanBeAnotherThanTheContexts(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, current, err := client.Start(background, "current", nil)
	ok(t, err)
	_, other, err := client.Start(background, "other", nil, weave.WithThread("conversation"))
	ok(t, err)
	trace, parent := "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b", "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7c"
	for op, option := range map[string]weave.CallOption{
		"explicit": weave.WithParent(other), "carried": weave.WithRemoteParent(other.Carrier()),
		"none": weave.WithParent(nil), "past": weave.WithLineage(trace, parent),
	} {
		_, err := client.LogCall(ctx, op, nil, nil, option)
		ok(t, err)
	}
	found := calls(t, client)
	for _, op := range []string{"explicit", "carried"} {
		same(t, op, []any{found[op]["parent_id"], found[op]["trace_id"], found[op]["thread_id"]},
			[]any{other.ID(), other.TraceID(), "conversation"})
	}
	same(t, "none", found["none"]["parent_id"], nil)
	same(t, "past", []any{found["past"]["parent_id"], found["past"]["trace_id"]}, []any{parent, trace})
	if found["none"]["trace_id"] == current.TraceID() {
		t.Error("a call without parent is of the context's trace")
	}
}

// unhelpful is an error that cannot tell its text.
type unhelpful struct{ text string }

func (u *unhelpful) Error() string { return u.text }

func TestEndRecordsAnErrorWithItsTypeAndText(t *testing.T) {
	client := opened(t, weave.Options{})
	_, missing := os.Open("/no/such/file")
	described := &weave.Exception{Type: "TimeoutError", Message: "too late", Traceback: "at the carrier"}
	for op, failed := range map[string]error{
		"own type": missing, "plain": errors.New("it broke"), "described": described,
		"wrapped": fmt.Errorf("settings: %w", missing), "joined": errors.Join(errors.New("x"), missing),
		"described and wrapped": fmt.Errorf("parcel 7: %w", described),
		"not UTF-8":             errors.New("read \xff\x00!"), "nil pointer": (*unhelpful)(nil),
	} {
		_, call, err := client.Start(background, op, nil)
		ok(t, err)
		ok(t, call.End(nil, failed))
	}
	found := calls(t, client)
	for op, want := range map[string][3]string{
		"own type": {"fs.PathError", "open /no/such/file: no such file or directory", ""},
		"plain":    {"error", "it broke", ""}, "described": {"TimeoutError", "too late", "at the carrier"},
		"wrapped":               {"fs.PathError", "settings: open /no/such/file: no such file or directory", ""},
		"joined":                {"fs.PathError", "x\nopen /no/such/file: no such file or directory", ""},
		"described and wrapped": {"TimeoutError", "parcel 7: TimeoutError: too late", "at the carrier"},
		"not UTF-8":             {"error", "read \uFFFD\uFFFD!", ""}, "nil pointer": {"weave_test.unhelpful", "<nil>", ""},
	} {
		same(t, op, exception(t, found[op]), want)
	}
}

// exception is type, message and the first text of the traceback.
func exception(t *testing.T, call object) [3]string {
	t.Helper()
	var stored struct {
		Type      string
		Message   string
		Traceback []struct{ Text string }
	}
	text, _ := call["exception"].(string)
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		t.Fatalf("%v: %v", call, err)
	}
	found := [3]string{stored.Type, stored.Message}
	if len(stored.Traceback) > 0 {
		found[2] = stored.Traceback[0].Text
	}
	return found
}

func TestWhenEndFailsTheCallCanBeEndedAgain(t *testing.T) {
	client := opened(t, weave.Options{})
	_, call, err := client.Start(background, "op", nil)
	ok(t, err)
	refused(t, call.End(func() {}, nil), weave.StatusInvalidJSON, "output")
	refused(t, call.End(json.RawMessage("{"), nil), weave.StatusInvalidJSON, "output")
	ok(t, call.End("at last", nil))
	refused(t, call.End("again", nil), weave.StatusClosed)
	ok(t, call.SetDisplayName("named after its end"))
	records := stored(t, client)
	same(t, "output", whole(records)[0]["output"], "at last")
	same(t, "update", of(records, "call_update")[0]["display_name"], "named after its end")
}

func TestSettersSayMoreOfACallUnderWay(t *testing.T) {
	client := opened(t, weave.Options{})
	_, call, err := client.Start(background, "op", nil)
	ok(t, err)
	ended := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	ok(t, call.SetSummary(object{"tries": 3}))
	ok(t, call.SetException(weave.Exception{Message: "bare"}))
	ok(t, call.SetEndedAt(ended))
	ok(t, call.End(nil, nil))
	found := calls(t, client)["op"]
	same(t, "summary", path(found, "summary", "tries"), 3)
	same(t, "exception", found["exception"], "bare")
	same(t, "end", found["ended_at"], "2100-01-01T00:00:00.000000Z")
	ref, err := call.Ref()
	ok(t, err)
	same(t, "ref", ref, "weave:///team/demo/call/"+call.ID())
}

func TestANilCallDoesNothing(t *testing.T) {
	call := weave.CallFromContext(background)
	_, refErr := call.Ref()
	for _, err := range []error{call.End(1, fs.ErrExist), call.SetException(weave.Exception{}), call.SetSummary(1),
		call.AddUsage("", 1), call.SetDisplayName(""), call.SetEndedAt(time.Time{}), refErr} {
		ok(t, err)
	}
	if call.ID()+call.TraceID()+call.Carrier() != "" {
		t.Error("it is a call")
	}
}

func TestAFailedStartGivesACallThatDoesNothing(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, call, err := client.Start(background, "op", []int{1})
	refused(t, err, weave.StatusInvalidJSON, "inputs")
	if call != nil || ctx != background {
		t.Error("something began")
	}
	ok(t, call.End(nil, nil))
}

func TestRawJSONIsPassedAsItStandsAndRepaired(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op", json.RawMessage(`{"nan": NaN, "lone": "a\ud800b", "html": "<&>"}`),
		object{"order": 9007199254740993, "html": "<&>"})
	ok(t, err)
	call := calls(t, client)["op"]
	same(t, "inputs", call["inputs"], object{"nan": nil, "lone": "a\ufffdb", "html": "<&>"})
	same(t, "output", call["output"], object{"order": json.Number("9007199254740993"), "html": "<&>"})
}

func TestABatchOfJSONIsLoggedAsItStands(t *testing.T) {
	client := opened(t, weave.Options{})
	kept, err := client.LogCallsJSON(json.RawMessage(`[{"op_name": "op", "inputs": {"nan": NaN}, "exception": "it broke"}]`))
	ok(t, err)
	same(t, "kept", kept, 1)
	call := calls(t, client)["op"]
	same(t, "what was logged", []any{call["inputs"], call["exception"]}, []any{object{"nan": nil}, "it broke"})
	kept, err = client.LogCallsJSON(json.RawMessage(`{}`))
	refused(t, err, weave.StatusClosed)
	same(t, "kept of a closed client", kept, 0)
}

func TestABatchIsCheckedBeforeAnyOfItIsKept(t *testing.T) {
	client := opened(t, weave.Options{})
	began := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	good := weave.FinishedCall{Op: "good", Kind: "tool", StartedAt: began, EndedAt: began.Add(time.Minute),
		Inputs: object{"a": 1}, Output: false, Attributes: object{"env": "demo"}, Summary: object{"own": 1},
		Err: &weave.Exception{Type: "ValueError", Message: "bad", Traceback: "line 1"}}
	kept, err := client.LogCalls([]weave.FinishedCall{good, {Op: "bad", TraceID: "?"}})
	refused(t, err, weave.StatusInvalidID, "calls[1]", "trace_id")
	same(t, "kept", kept, 0)
	kept, err = client.LogCalls([]weave.FinishedCall{good, {Op: "bare"}})
	ok(t, err)
	same(t, "kept", kept, 2)
	found := calls(t, client)
	same(t, "calls", len(found), 2)
	call := found["good"]
	same(t, "times", []any{call["started_at"], call["ended_at"]},
		[]string{"2024-05-06T07:08:09.000000Z", "2024-05-06T07:09:09.000000Z"})
	same(t, "values", []any{call["inputs"], call["output"]}, []any{object{"a": 1}, false})
	same(t, "exception", exception(t, call), [3]string{"ValueError", "bad", "line 1"})
	same(t, "attributes", []any{path(call, "attributes", "env"), path(call, "attributes", "weave", "kind")},
		[]string{"demo", "tool"})
}

func TestACallIsRenamedByItsID(t *testing.T) {
	client := opened(t, weave.Options{})
	id, err := client.LogCall(background, "op", nil, nil)
	ok(t, err)
	ok(t, client.UpdateCall(id, "Parcel 📦"))
	update := of(stored(t, client), "call_update")[0]
	same(t, "update", []any{update["call_id"], update["display_name"]}, []string{id, "Parcel 📦"})
	if !strings.Contains(id, "-") {
		t.Errorf("%s is no id", id)
	}
}
