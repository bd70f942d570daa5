package capi

// #include "shim.h"
import "C"

import "strconv"

// CallOptions is what a call may be given. C takes all of it together with the call. The first failure of a setter is
// told by what takes the options. One goroutine at a time.
type CallOptions struct {
	parent *Call
	remote string // the context of a parent that lives elsewhere; "" for none
	text   []byte // the others, as shim.h has them
	err    error
}

// Texts of a call.
const (
	ID          = C.WG_ID
	TraceID     = C.WG_TRACE_ID
	ParentID    = C.WG_PARENT_ID
	DisplayName = C.WG_DISPLAY_NAME
	ThreadID    = C.WG_THREAD_ID
	TurnID      = C.WG_TURN_ID
	Kind        = C.WG_KIND
)

// option is one of the call, and the names that its texts have in errors.
type option struct {
	which  byte
	fields []string
}

var (
	remote     = option{C.WG_PARENT_CONTEXT, []string{"context"}}
	attributes = option{C.WG_ATTRIBUTES, []string{"attributes"}}
	summary    = option{C.WG_SUMMARY, []string{"summary"}}
	usage      = option{C.WG_USAGE, []string{"model", "usage"}}
	exception  = option{C.WG_EXCEPTION, []string{"exception type", "exception message", "traceback"}}
	startedAt  = option{C.WG_STARTED_AT, []string{"started_at"}}
	endedAt    = option{C.WG_ENDED_AT, []string{"ended_at"}}
	run        = option{C.WG_RUN, []string{"wb_run_id", "wb_run_step", "wb_run_step_end"}}
)

func (o *CallOptions) add(which option, texts ...string) {
	o.text = append(o.text, which.which)
	for i, text := range texts {
		o.Note(refuseNUL(which.fields[i], text))
		o.text = append(append(o.text, text...), 0)
	}
}

// native is what C takes; nothing of nil.
func (o *CallOptions) native() (parent *Call, text []byte, err error) {
	if o == nil {
		return nil, nil, nil
	}
	if o.remote != "" {
		o.add(remote, o.remote)
	}
	return o.parent, o.text, o.err
}

// Note keeps a failure to make what a setter would take.
func (o *CallOptions) Note(err error) {
	if o.err == nil {
		o.err = err
	}
}

// SetParent sets the call that makes this one; nil for none.
func (o *CallOptions) SetParent(parent *Call) { o.parent, o.remote = parent, "" }

// SetRemoteParent sets the call that makes this one, when it lives elsewhere, by its context.
func (o *CallOptions) SetRemoteParent(context string) { o.parent, o.remote = nil, context }

// SetText sets a text; field is its name in errors.
func (o *CallOptions) SetText(which byte, field, value string) {
	o.add(option{which, []string{field}}, value)
}

// SetAttributes sets the attributes.
func (o *CallOptions) SetAttributes(json []byte) { o.add(attributes, string(json)) }

// SetSummary sets the program's own summary.
func (o *CallOptions) SetSummary(json []byte) { o.add(summary, string(json)) }

// AddUsage adds usage of the call itself.
func (o *CallOptions) AddUsage(model string, json []byte) { o.add(usage, model, string(json)) }

// SetException says what failed.
func (o *CallOptions) SetException(failed *Exception) {
	o.add(exception, failed.Type, failed.Message, failed.Traceback)
}

// SetStartedAt sets when the call began, in microseconds since 1970.
func (o *CallOptions) SetStartedAt(micros int64) { o.add(startedAt, decimal(micros)) }

// SetEndedAt sets when the call ended.
func (o *CallOptions) SetEndedAt(micros int64) { o.add(endedAt, decimal(micros)) }

// SetRun sets the run of W&B; negative steps are not known.
func (o *CallOptions) SetRun(id string, step, stepEnd int64) {
	o.add(run, id, decimal(step), decimal(stepEnd))
}

func decimal(number int64) string { return strconv.FormatInt(number, 10) }
