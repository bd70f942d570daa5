package capi

// #include "shim.h"
import "C"

import "runtime"

// CallOptions is what a call may be given. One goroutine at a time.
type CallOptions struct{ c *C.weave_call_options }

// Texts of a call.
const (
	ParentContext = C.WG_PARENT_CONTEXT
	ID            = C.WG_ID
	TraceID       = C.WG_TRACE_ID
	ParentID      = C.WG_PARENT_ID
	DisplayName   = C.WG_DISPLAY_NAME
	ThreadID      = C.WG_THREAD_ID
	TurnID        = C.WG_TURN_ID
	Kind          = C.WG_KIND
)

// NewCallOptions makes options with nothing set, to be freed.
func NewCallOptions() *CallOptions { return &CallOptions{C.weave_call_options_new()} }

// Free releases the options; nil is fine.
func (o *CallOptions) Free() {
	if o != nil {
		C.weave_call_options_free(o.c)
	}
}

func (o *CallOptions) native() *C.weave_call_options {
	if o == nil {
		return nil
	}
	return o.c
}

// SetText sets a text; field is its name in errors.
func (o *CallOptions) SetText(which int, field, value string) error {
	var in texts
	text := in.text(field, value)
	if in.err != nil {
		return in.err
	}
	return settle(C.wg_call_options_set_text(o.c, C.int(which), text))
}

// SetParent sets the call that makes this one; nil for none.
func (o *CallOptions) SetParent(parent *Call) error {
	defer runtime.KeepAlive(parent)
	if parent == nil {
		return settle(C.wg_call_options_set_parent(o.c, nil))
	}
	return settle(C.wg_call_options_set_parent(o.c, parent.c))
}

// SetAttributes sets the attributes.
func (o *CallOptions) SetAttributes(json []byte) error {
	text, length := bytes(json)
	return settle(C.wg_call_options_set_attributes(o.c, text, length))
}

// SetSummary sets the program's own summary.
func (o *CallOptions) SetSummary(json []byte) error {
	text, length := bytes(json)
	return settle(C.wg_call_options_set_summary(o.c, text, length))
}

// AddUsage adds usage of the call itself.
func (o *CallOptions) AddUsage(model string, usage []byte) error {
	var in texts
	name := in.text("model", model)
	if in.err != nil {
		return in.err
	}
	text, length := bytes(usage)
	return settle(C.wg_call_options_add_usage(o.c, name, text, length))
}

// SetException says what failed.
func (o *CallOptions) SetException(kind, message, traceback string) error {
	var in texts
	k, m, t := in.optional("exception type", kind), in.text("exception message", message), in.optional("traceback", traceback)
	if in.err != nil {
		return in.err
	}
	return settle(C.wg_call_options_set_exception(o.c, k, m, t))
}

// SetStartedAt sets when the call began, in microseconds since 1970.
func (o *CallOptions) SetStartedAt(micros int64) error {
	return settle(C.wg_call_options_set_started_at(o.c, C.int64_t(micros)))
}

// SetEndedAt sets when the call ended.
func (o *CallOptions) SetEndedAt(micros int64) error {
	return settle(C.wg_call_options_set_ended_at(o.c, C.int64_t(micros)))
}

// SetRun sets the run of W&B; negative steps are not known.
func (o *CallOptions) SetRun(run string, step, stepEnd int64) error {
	var in texts
	id := in.text("wb_run_id", run)
	if in.err != nil {
		return in.err
	}
	return settle(C.wg_call_options_set_wb_run(o.c, id, C.int64_t(step), C.int64_t(stepEnd)))
}
