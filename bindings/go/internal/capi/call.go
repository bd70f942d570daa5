package capi

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
)

// Call is a live call. It is freed when nothing refers to it any more; one that has not ended stays open then.
type Call struct {
	c      *C.weave_call
	client *Client    // its callbacks must outlive the call
	mutex  sync.Mutex // the setters and the end: one thread at a time
}

// LogCall logs a finished call; its id.
func (c *Client) LogCall(op string, inputs, output []byte, options *CallOptions) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	name := in.text("op_name", op)
	if in.err != nil {
		return "", in.err
	}
	inputsText, inputsLength := bytes(inputs)
	outputText, outputLength := bytes(output)
	return settleID(C.wg_log_call(c.c, name, inputsText, inputsLength, outputText, outputLength, options.native()))
}

// LogCalls logs finished calls; how many are kept, also beside an error.
func (c *Client) LogCalls(calls []byte) (uint64, error) {
	defer runtime.KeepAlive(c)
	text, length := bytes(calls)
	r := C.wg_log_calls(c.c, text, length)
	return uint64(r.number), settle(r)
}

// StartCall begins a call.
func (c *Client) StartCall(op string, inputs []byte, options *CallOptions) (*Call, error) {
	defer runtime.KeepAlive(c)
	var in texts
	name := in.text("op_name", op)
	if in.err != nil {
		return nil, in.err
	}
	text, length := bytes(inputs)
	r := C.wg_call_start(c.c, name, text, length, options.native())
	// Before the result is settled: a filter that panics has dropped the start, and the call is there all the same.
	call := &Call{c: (*C.weave_call)(r.handle), client: c}
	runtime.AddCleanup(call, func(c *C.weave_call) { C.weave_call_free(c) }, call.c)
	if err := settle(r); err != nil {
		return nil, err
	}
	return call, nil
}

// UpdateCall gives a call another name to show, by its id.
func (c *Client) UpdateCall(id, displayName string) error {
	defer runtime.KeepAlive(c)
	var in texts
	i, name := in.text("call_id", id), in.text("display_name", displayName)
	if in.err != nil {
		return in.err
	}
	return settle(C.wg_call_update(c.c, i, name))
}

// alone runs what one thread may do at a time. The call lives until it has returned.
func (c *Call) alone(work func() C.wg_result) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	defer runtime.KeepAlive(c)
	return settle(work())
}

// End ends the call.
func (c *Call) End(output []byte) error {
	text, length := bytes(output)
	return c.alone(func() C.wg_result { return C.wg_call_end(c.c, text, length) })
}

// SetException says what failed.
func (c *Call) SetException(kind, message, traceback string) error {
	var in texts
	k, m, t := in.optional("exception type", kind), in.text("exception message", message), in.optional("traceback", traceback)
	if in.err != nil {
		return in.err
	}
	return c.alone(func() C.wg_result { return C.wg_call_set_exception(c.c, k, m, t) })
}

// SetSummary merges into the summary.
func (c *Call) SetSummary(json []byte) error {
	text, length := bytes(json)
	return c.alone(func() C.wg_result { return C.wg_call_set_summary(c.c, text, length) })
}

// AddUsage adds usage of the call itself.
func (c *Call) AddUsage(model string, usage []byte) error {
	var in texts
	name := in.text("model", model)
	if in.err != nil {
		return in.err
	}
	text, length := bytes(usage)
	return c.alone(func() C.wg_result { return C.wg_call_add_usage(c.c, name, text, length) })
}

// SetDisplayName gives the call another name to show.
func (c *Call) SetDisplayName(displayName string) error {
	var in texts
	name := in.text("display_name", displayName)
	if in.err != nil {
		return in.err
	}
	return c.alone(func() C.wg_result { return C.wg_call_set_display_name(c.c, name) })
}

// SetEndedAt sets when the call ended, in microseconds since 1970.
func (c *Call) SetEndedAt(micros int64) error {
	return c.alone(func() C.wg_result { return C.wg_call_set_ended_at(c.c, C.int64_t(micros)) })
}

// ID is the call's id.
func (c *Call) ID() string {
	defer runtime.KeepAlive(c)
	return C.GoString(C.weave_call_id(c.c))
}

// TraceID is the id of its trace.
func (c *Call) TraceID() string {
	defer runtime.KeepAlive(c)
	return C.GoString(C.weave_call_trace_id(c.c))
}

// Context is the call as a line of text.
func (c *Call) Context() string {
	defer runtime.KeepAlive(c)
	return C.GoString(C.weave_call_context(c.c))
}

// Ref is the call's reference.
func (c *Call) Ref() (string, error) {
	defer runtime.KeepAlive(c)
	return settleText(C.wg_call_ref(c.c))
}
