package weave

import (
	"context"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// Call is a call that was started. The methods of a nil Call do nothing, so that code runs the same where nothing is
// traced: weave.CallFromContext(ctx).AddUsage(…).
type Call struct {
	native *capi.Call
	client *Client
}

// Start begins a call: a child of the context's call, if there is one of this project. The op is a name of at most 128
// characters or what CreateOp gave; inputs are a JSON object, such as a map or a struct, or nil. Calls that are started
// with the context it returns become its children.
//
// When it fails, it returns the context it was given, and nil, which is a call that does nothing. A nil Client begins no
// call, so that code runs the same where nothing is traced: weave.ClientFromContext(ctx).Start(…).
func (c *Client) Start(ctx context.Context, op string, inputs any, options ...CallOption) (
	context.Context, *Call, error,
) {
	if c == nil {
		return ctx, nil, nil
	}
	json, err := encodeObject("inputs", inputs)
	if err != nil {
		return ctx, nil, err
	}
	native, err := c.native.StartCall(op, json, c.given(ctx, options))
	if err != nil {
		return ctx, nil, fault(err)
	}
	call := &Call{native, c}
	return ContextWithCall(ctx, call), call, nil
}

// given is what a call gets from the context and the options; nil for nothing.
func (c *Client) given(ctx context.Context, options []CallOption) *capi.CallOptions {
	parent := CallFromContext(ctx)
	if parent != nil && parent.client.project != c.project {
		parent = nil
	}
	if parent == nil && len(options) == 0 {
		return nil
	}
	given := &capi.CallOptions{}
	if parent != nil {
		given.SetParent(parent.native)
	}
	for _, option := range options {
		if option.set != nil { // the zero value says nothing
			option.set(given)
		}
	}
	return given
}

// End ends the call with its output, and with the error that it failed with, if any. Its usage and status are added to
// its parent's. When End fails, the call stays open and can be ended again, unless the filter ended its goroutine.
func (c *Call) End(output any, failed error) error {
	if c == nil {
		return nil
	}
	json, err := encode("output", output)
	if err != nil {
		return err
	}
	return fault(c.native.End(json, exceptionOf(failed)))
}

// SetException says what failed. The call is still to be ended.
func (c *Call) SetException(failed Exception) error {
	if c == nil {
		return nil
	}
	return fault(c.native.SetException((*capi.Exception)(&failed)))
}

// SetSummary merges a JSON object into the call's summary. Usage and status are added at its end.
func (c *Call) SetSummary(summary any) error {
	if c == nil {
		return nil
	}
	json, err := encodeObject("summary", summary)
	if err != nil || json == nil {
		return err
	}
	return fault(c.native.SetSummary(json))
}

// AddUsage adds usage of the call itself: a [Usage], or any JSON object. It counts instead of a usage that the output
// names, and several add up.
func (c *Call) AddUsage(model string, usage any) error {
	if c == nil {
		return nil
	}
	json, err := encode("usage", totalled(usage))
	if err != nil {
		return err
	}
	return fault(c.native.AddUsage(model, json))
}

// SetDisplayName gives the call another name to show, also after its end.
func (c *Call) SetDisplayName(name string) error {
	if c == nil {
		return nil
	}
	return fault(c.native.SetDisplayName(name))
}

// SetEndedAt sets when the call ended, for calls of the past.
func (c *Call) SetEndedAt(at time.Time) error {
	if c == nil {
		return nil
	}
	return fault(c.native.SetEndedAt(at.UnixMicro()))
}

// ID is the call's id.
func (c *Call) ID() string {
	if c == nil {
		return ""
	}
	return c.native.ID()
}

// TraceID is the id of the trace that the call belongs to.
func (c *Call) TraceID() string {
	if c == nil {
		return ""
	}
	return c.native.TraceID()
}

// Carrier is the call as one line of printable ASCII without spaces, to carry a parent to another process or machine in
// a header or an environment variable; [WithRemoteParent] takes it.
func (c *Call) Carrier() string {
	if c == nil {
		return ""
	}
	return c.native.Context()
}

// Ref is the reference of the call, for feedback and values.
func (c *Call) Ref() (string, error) {
	if c == nil {
		return "", nil
	}
	ref, err := c.native.Ref()
	return ref, fault(err)
}
