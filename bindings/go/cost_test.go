package weave_test

import (
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"testing"

	weave "github.com/libweave/libweave-go"
)

// callsOfC counts them while the work runs: the least of several times, since handles of other tests may be freed
// meanwhile.
func callsOfC(t *testing.T, work func() error) int64 {
	t.Helper()
	least := int64(math.MaxInt64)
	for range 10 {
		before := runtime.NumCgoCall()
		err := work()
		least = min(least, runtime.NumCgoCall()-before)
		ok(t, err)
	}
	return least
}

func TestARecordCostsOneCallOfC(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, _, err := client.Start(background, "outer", nil)
	ok(t, err)
	same(t, "a call in one go", callsOfC(t, func() error {
		_, err := client.LogCall(ctx, "op", object{"a": 1}, "done", weave.WithKind("tool"), weave.WithThread("t"),
			weave.WithAttributes(object{"env": "demo"}), weave.WithUsage("m", weave.Usage{PromptTokens: 1}))
		return err
	}), 1)
	same(t, "a start and an end", callsOfC(t, func() error {
		_, call, err := client.Start(ctx, "op", object{"a": 1}, weave.WithKind("tool"))
		if err != nil {
			return err
		}
		return call.End("done", errors.New("it broke"))
	}), 2)
	same(t, "a batch", callsOfC(t, func() error {
		_, err := client.LogCalls([]weave.FinishedCall{{Op: "op"}, {Op: "op", Err: errors.New("it broke")}})
		return err
	}), 1)
}

func TestACallOfJSONTextAllocatesItsIDAlone(t *testing.T) {
	client := opened(t, weave.Options{})
	inputs, output := json.RawMessage(`{"a": 1}`), json.RawMessage(`"done"`)
	same(t, "allocations", testing.AllocsPerRun(100, func() {
		_, err := client.LogCallJSON(background, "op", inputs, output)
		ok(t, err)
	}), 1)
}
