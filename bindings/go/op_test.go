package weave_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	weave "github.com/libweave/libweave-go"
)

func TestOpLogsResultAndNesting(t *testing.T) {
	client := opened(t, weave.Options{})
	sum, err := weave.Op(within(client), "outer", object{"n": 2}, func(ctx context.Context) (int, error) {
		return weave.Op(ctx, "inner", nil, func(context.Context) (int, error) { return 5, nil }, weave.WithKind("tool"))
	})
	ok(t, err)
	same(t, "result", sum, 5)
	found := calls(t, client)
	same(t, "inputs", found["outer"]["inputs"], object{"n": 2})
	same(t, "outputs", []any{found["outer"]["output"], found["inner"]["output"]}, []int{5, 5})
	same(t, "parent", found["inner"]["parent_id"], found["outer"]["id"])
	same(t, "kind", path(found["inner"], "attributes", "weave", "kind"), "tool")
}

func TestOpRecordsAnErrorAndReturnsIt(t *testing.T) {
	client := opened(t, weave.Options{})
	part, err := weave.Op(within(client), "op", nil, func(context.Context) (string, error) { return "part", io.ErrUnexpectedEOF })
	if part != "part" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q, %v", part, err)
	}
	call := calls(t, client)["op"]
	same(t, "exception", exception(t, call), [3]string{"error", "unexpected EOF"})
	same(t, "output", call["output"], "part")
}

func TestAnErrorThatIsANilPointerIsAnErrorAndNoPanic(t *testing.T) {
	client := opened(t, weave.Options{})
	n, err := weave.Op(within(client), "op", nil, func(context.Context) (int, error) {
		var none *fs.PathError
		return 3, none
	})
	if n != 3 || err == nil {
		t.Errorf("%v, %v", n, err)
	}
	same(t, "type", exception(t, calls(t, client)["op"])[0], "fs.PathError")
}

func TestOpRecordsAPanicAndRaisesItAgain(t *testing.T) {
	client := opened(t, weave.Options{})
	value := errors.New("boom")
	func() {
		defer func() {
			if raised := recover(); raised != value {
				t.Errorf("raised %v", raised)
			}
		}()
		_, _ = weave.Op(within(client), "error", nil, func(context.Context) (int, error) { panic(value) })
	}()
	func() {
		defer func() { _ = recover() }()
		_, _ = weave.Op(within(client), "runtime", nil, func(context.Context) (int, error) {
			var none []int
			return none[len(none)], nil
		})
	}()
	found := calls(t, client)
	failed := exception(t, found["error"])
	same(t, "exception", failed[:2], []string{"panic", "boom"})
	if !strings.Contains(failed[2], "op_test.go") {
		t.Errorf("the traceback does not show where it came from: %s", failed[2])
	}
	same(t, "type", exception(t, found["runtime"])[0], "runtime.boundsError")
}

func TestOpEndsItsCallWhenTheGoroutineEnds(t *testing.T) {
	client := opened(t, weave.Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = weave.Op(within(client), "op", nil, func(context.Context) (int, error) {
			runtime.Goexit() // as FailNow of a test does
			return 0, nil
		})
	}()
	<-done
	same(t, "exception", exception(t, calls(t, client)["op"])[0], "runtime.Goexit")
}

func TestOpWithoutAClientRunsTheFunction(t *testing.T) {
	n, err := weave.Op(background, "op", nil, func(context.Context) (int, error) { return 3, io.EOF })
	if n != 3 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}

// spiteful panics when encoding/json asks it.
type spiteful struct{}

func (spiteful) MarshalJSON() ([]byte, error) { panic("not me") }

func TestFailuresOfLoggingDoNotChangeWhatOpReturns(t *testing.T) {
	var told []error
	client := opened(t, weave.Options{OnError: func(err error) { told = append(told, err) }})
	odd, err := weave.Op(within(client), "no JSON", nil, func(context.Context) (chan int, error) { return make(chan int), nil })
	ok(t, err)
	if odd == nil {
		t.Error("the result is lost")
	}
	n, err := weave.Op(within(client), "no inputs", spiteful{}, func(context.Context) (int, error) { return 7, nil })
	ok(t, err)
	same(t, "result", n, 7)
	n, err = weave.Op(within(client), "no UTF-8", json.RawMessage("{\"a\": \"\xff\"}"),
		func(context.Context) (int, error) { return 9, nil })
	ok(t, err)
	same(t, "result", n, 9)
	n, err = weave.Op(within(client), "", nil, func(context.Context) (int, error) { return 8, nil })
	ok(t, err)
	same(t, "result", n, 8)
	if len(told) != 4 || !strings.Contains(told[0].Error(), `"no JSON": weave: output`) ||
		!strings.Contains(told[1].Error(), "inputs: encoding/json panicked: not me") ||
		!errors.Is(told[2], weave.StatusInvalidUTF8) || !errors.Is(told[3], weave.StatusInvalidName) {
		t.Errorf("told %v", told)
	}
	// What could be logged of them is.
	found := calls(t, client)
	same(t, "calls", len(found), 3)
	same(t, "output", []any{found["no JSON"]["output"], found["no inputs"]["output"], found["no UTF-8"]["output"]},
		[]any{nil, 7, 9})
	if found["no JSON"]["ended_at"] == nil {
		t.Errorf("it did not end: %v", found["no JSON"])
	}
}

func TestOpLeavesOutOnlyWhatCannotBeLogged(t *testing.T) {
	var told []error
	client := opened(t, weave.Options{OnError: func(err error) { told = append(told, err) }})
	answer := func(context.Context) (int, error) { return 7, nil }
	named, wrong := weave.WithDisplayName("shown"), weave.WithAttributes(make(chan int))
	_, err := weave.Op(within(client), "option", object{"a": 1}, answer, wrong, named)
	ok(t, err)
	_, err = weave.Op(within(client), "both", object{"a": make(chan int)}, answer, named, wrong)
	ok(t, err)
	if len(told) != 2 || !strings.Contains(told[0].Error(), `op "option": weave: attributes`) {
		t.Errorf("told %v", told)
	}
	found := calls(t, client)
	same(t, "inputs", found["option"]["inputs"], object{"a": 1})
	same(t, "display name", found["option"]["display_name"], "shown")
	same(t, "output", []any{found["option"]["output"], found["both"]["output"]}, []any{7, 7})
}
