package weave

import (
	"context"
	"encoding/json"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// LogCall logs a finished call in one go, a child of the context's call if there is one; its id. When it returns no
// error, the call survives the death of the process. A nil Client logs nothing, and the id is "".
func (c *Client) LogCall(ctx context.Context, op string, inputs, output any, options ...CallOption) (string, error) {
	if c == nil {
		return "", nil
	}
	inputsJSON, err := encodeObject("inputs", inputs)
	if err != nil {
		return "", err
	}
	outputJSON, err := encode("output", output)
	if err != nil {
		return "", err
	}
	return c.LogCallJSON(ctx, op, inputsJSON, outputJSON, options...)
}

// LogCallJSON is LogCall for inputs and an output that are JSON already, such as the bodies that a gateway passes on.
// The library reads them where they are; nothing is allocated but the id.
func (c *Client) LogCallJSON(ctx context.Context, op string, inputs, output json.RawMessage, options ...CallOption) (
	string, error,
) {
	if c == nil {
		return "", nil
	}
	id, err := c.native.LogCall(op, inputs, output, c.given(ctx, options))
	return id, fault(err)
}

// FinishedCall is a call of a batch. Only the op is needed. The summary counts as it is: it is not rolled up.
type FinishedCall struct {
	Op          string    `json:"op_name"`
	ID          string    `json:"id,omitempty"`
	TraceID     string    `json:"trace_id,omitempty"`
	ParentID    string    `json:"parent_id,omitempty"`
	DisplayName string    `json:"display_name,omitempty"`
	ThreadID    string    `json:"thread_id,omitempty"`
	TurnID      string    `json:"turn_id,omitempty"`
	Kind        string    `json:"kind,omitempty"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	Attributes  any       `json:"attributes,omitempty"`
	Inputs      any       `json:"inputs,omitempty"`
	Output      any       `json:"output,omitempty"`
	Summary     any       `json:"summary,omitempty"`
	Err         error     `json:"-"`
	Run         string    `json:"wb_run_id,omitempty"`
	RunStep     *int64    `json:"wb_run_step,omitempty"`
	RunStepEnd  *int64    `json:"wb_run_step_end,omitempty"`
}

// LogCalls logs finished calls in one go, also of the past. All are checked before any is kept, and an error names the
// call by its place. It returns how many are kept, also beside an error.
func (c *Client) LogCalls(calls []FinishedCall) (uint64, error) {
	type shape struct {
		FinishedCall
		Exception string `json:"exception,omitempty"`
	}
	shapes := make([]shape, len(calls))
	for i, call := range calls {
		shapes[i] = shape{call, stored(exceptionOf(call.Err))}
	}
	text, err := encode("calls", shapes)
	if err != nil {
		return 0, err
	}
	return c.LogCallsJSON(text)
}

// LogCallsJSON is LogCalls for calls that are JSON already: an array of objects with the names of FinishedCall's tags,
// and "exception", a text.
func (c *Client) LogCallsJSON(calls json.RawMessage) (uint64, error) {
	kept, err := c.native.LogCalls(calls)
	return kept, fault(err)
}

// stored is the exception as servers store it.
func stored(e *capi.Exception) string {
	if e == nil {
		return ""
	}
	type entry struct {
		Filename string `json:"filename"`
		Line     int    `json:"line_number"`
		Function string `json:"function_name"`
		Text     string `json:"text"`
	}
	entries := []entry{}
	if e.Traceback != "" {
		entries = append(entries, entry{Text: e.Traceback})
	}
	text, _ := json.Marshal(map[string]any{"type": e.Type, "message": e.Message, "traceback": entries})
	return string(text) // texts alone: they always have a JSON form
}

// UpdateCall gives a call another name to show, by its id.
func (c *Client) UpdateCall(id, displayName string) error {
	return fault(c.native.UpdateCall(id, displayName))
}
