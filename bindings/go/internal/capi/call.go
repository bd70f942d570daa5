package capi

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Call is a live call. It is freed when nothing refers to it any more; one that has not ended stays open then.
type Call struct {
	c      *C.weave_call
	client *Client    // its callbacks must outlive the call
	mutex  sync.Mutex // the setters and the end: one thread at a time
}

// Exception is what a call failed with.
type Exception struct{ Type, Message, Traceback string }

// native is what C takes; nothing of nil.
func (e *Exception) native() (C.wg_exception, error) {
	if e == nil {
		return C.wg_exception{}, nil
	}
	var in texts
	exception := C.wg_exception{
		in.optional("exception type", e.Type),
		in.text("exception message", e.Message),
		in.optional("traceback", e.Traceback),
	}
	return exception, in.err
}

// name is the name of an op, of which C makes its NUL-terminated copy itself: it is in each record.
func name(op string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(op))), C.size_t(len(op))
}

// LogCall logs a finished call; its id. The options may be nil.
func (c *Client) LogCall(op string, inputs, output []byte, options *CallOptions) (string, error) {
	parent, more, err := options.native()
	if err != nil {
		return "", err
	}
	if err := refuseNUL("op_name", op); err != nil {
		return "", err
	}
	name, nameLength := name(op)
	inputsText, inputsLength := bytes(inputs)
	outputText, outputLength := bytes(output)
	moreText, moreLength := bytes(more)
	id, room := newID()
	r := C.wg_log_call(c.c, name, nameLength, inputsText, inputsLength, outputText, outputLength, parent.native(),
		moreText, moreLength, room)
	runtime.KeepAlive(c)
	runtime.KeepAlive(parent)
	if r != nil {
		return "", settleFailure(r)
	}
	return written(id), nil
}

// LogCalls logs finished calls; how many are kept, also beside an error.
func (c *Client) LogCalls(calls []byte) (uint64, error) {
	defer runtime.KeepAlive(c)
	text, length := bytes(calls)
	r := C.wg_log_calls(c.c, text, length)
	return uint64(r.number), settle(r)
}

// StartCall begins a call. The options may be nil.
func (c *Client) StartCall(op string, inputs []byte, options *CallOptions) (*Call, error) {
	parent, more, err := options.native()
	if err != nil {
		return nil, err
	}
	if err := refuseNUL("op_name", op); err != nil {
		return nil, err
	}
	name, nameLength := name(op)
	text, length := bytes(inputs)
	moreText, moreLength := bytes(more)
	r := C.wg_call_start(c.c, name, nameLength, text, length, parent.native(), moreText, moreLength)
	runtime.KeepAlive(parent)
	// Before the result is settled: a filter that panics has dropped the start, and the call is there all the same.
	call := &Call{c: (*C.weave_call)(r.handle), client: c}
	runtime.AddCleanup(call, func(c *C.weave_call) { C.weave_call_free(c) }, call.c)
	if err := settle(r); err != nil {
		return nil, err
	}
	return call, nil
}

// native is the call in C; NULL of nil.
func (c *Call) native() *C.weave_call {
	if c == nil {
		return nil
	}
	return c.c
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

// End ends the call, with what it failed with; nil when it did not.
func (c *Call) End(output []byte, failed *Exception) error {
	exception, err := failed.native()
	if err != nil {
		return err
	}
	text, length := bytes(output)
	return c.alone(func() C.wg_result { return C.wg_call_end(c.c, text, length, exception) })
}

// SetException says what failed.
func (c *Call) SetException(failed *Exception) error {
	exception, err := failed.native()
	if err != nil {
		return err
	}
	return c.alone(func() C.wg_result { return C.wg_call_set_exception(c.c, exception) })
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
