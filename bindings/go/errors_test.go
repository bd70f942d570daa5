package weave_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	weave "github.com/libweave/libweave-go"
)

func TestEveryStatusHasATextOfItsOwn(t *testing.T) {
	texts := map[string]weave.Status{}
	for status := weave.StatusInvalidArgument; status <= weave.StatusPanic; status++ {
		text := status.Error()
		if other, taken := texts[text]; taken || text == weave.Status(9999).Error() {
			t.Errorf("%d: %q, as of %d", status, text, other)
		}
		texts[text] = status
	}
}

func TestAnErrorHasAStatusAndATextThatNamesTheField(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "", nil, nil)
	refused(t, err, weave.StatusInvalidName, "op_name")
	var known *weave.Error
	if !errors.As(err, &known) || known.Status != weave.StatusInvalidName || known.Text == "" {
		t.Errorf("%#v", err)
	}
	if errors.Is(err, weave.StatusClosed) {
		t.Error("it is of another status too")
	}
}

// The text of an error belongs to the thread, and goroutines change threads between calls.
func TestErrorTextsAreRightForGoroutinesUnderContention(t *testing.T) {
	client := opened(t, weave.Options{})
	var workers sync.WaitGroup
	for worker := range 64 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range 300 {
				id := fmt.Sprintf("no-id-%d-%d", worker, n)
				err := client.UpdateCall(id, "name")
				if !errors.Is(err, weave.StatusInvalidID) || !strings.Contains(err.Error(), `"`+id+`"`) {
					t.Errorf("%s: %v", id, err)
				}
				if _, err := client.LogCall(background, "op", json.RawMessage("[1]"), nil); !errors.Is(err, weave.StatusInvalidJSON) ||
					!strings.Contains(err.Error(), "inputs") {
					t.Errorf("inputs: %v", err)
				}
			}
		}()
	}
	workers.Wait()
}

func TestANULInsideATextIsRefusedAndNamed(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op\x00other", nil, nil)
	refused(t, err, weave.StatusInvalidArgument, "op_name", "byte 2")
	_, _, err = client.Start(background, "op", nil, weave.WithThread("a\x00"))
	refused(t, err, weave.StatusInvalidArgument, "thread_id")
	_, err = weave.Init("demo", weave.Options{Offline: true, OfflineDir: "/tmp/\x00"})
	refused(t, err, weave.StatusInvalidArgument, "OfflineDir")
}

func TestAValueThatIsNoJSONIsRefusedByItsField(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op", object{"loss": math.NaN()}, nil)
	refused(t, err, weave.StatusInvalidJSON, "inputs", "NaN")
	var unsupported *json.UnsupportedValueError
	if !errors.As(err, &unsupported) {
		t.Errorf("%v hides what encoding/json said", err)
	}
	_, err = client.LogCall(background, "op", nil, make(chan int))
	refused(t, err, weave.StatusInvalidJSON, "output", "chan int")
	_, err = client.LogCall(background, "op", nil, nil, weave.WithAttributes(object{"f": func() {}}))
	refused(t, err, weave.StatusInvalidJSON, "attributes")
	_, err = client.CreateObject("name", object{"f": func() {}})
	refused(t, err, weave.StatusInvalidJSON, "value")
	_, err = weave.Init("demo", weave.Options{Offline: true, Attributes: make(chan int)})
	refused(t, err, weave.StatusInvalidJSON, "attributes")
	_, err = client.LogCall(background, "op", nil, nil, weave.WithUsage("m", json.RawMessage("{}\x00")))
	refused(t, err, weave.StatusInvalidArgument, "usage", "byte 2")
}

func TestAFloatThatIsNoNumberIsNull(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op", object{"loss": weave.Float(math.NaN()), "least": weave.Float(5e-324)},
		[]weave.Float{weave.Float(math.Inf(-1)), 0.5})
	ok(t, err)
	call := calls(t, client)["op"]
	same(t, "inputs", call["inputs"], object{"loss": nil, "least": json.Number("5e-324")})
	same(t, "output", call["output"], []any{nil, json.Number("0.5")})
}
