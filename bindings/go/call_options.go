package weave

import (
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// CallOption says more of a call.
type CallOption struct {
	set func(*capi.CallOptions)
}

// WithParent makes the call a child of this one instead of the context's; nil begins a trace.
func WithParent(parent *Call) CallOption {
	return CallOption{func(o *capi.CallOptions) {
		if parent == nil {
			o.SetParent(nil)
		} else {
			o.SetParent(parent.native)
		}
	}}
}

// WithRemoteParent makes the call a child of one that lives elsewhere: what [Call.Carrier] gave there; "" changes
// nothing.
func WithRemoteParent(carrier string) CallOption {
	return CallOption{func(o *capi.CallOptions) {
		if carrier != "" {
			o.SetRemoteParent(carrier)
		}
	}}
}

// WithLineage places a call of the past: its trace and its parent's id ("" for none). The context's call counts no more.
func WithLineage(traceID, parentID string) CallOption {
	return CallOption{func(o *capi.CallOptions) {
		o.SetParent(nil)
		o.SetText(capi.TraceID, "trace_id", traceID)
		o.SetText(capi.ParentID, "parent_id", parentID)
	}}
}

// WithID gives a call of the past its id: a lower-case UUID, or 16 lower-case letters and digits.
func WithID(id string) CallOption { return text(capi.ID, "id", id) }

// WithDisplayName is the name to show instead of the op's.
func WithDisplayName(name string) CallOption { return text(capi.DisplayName, "display_name", name) }

// WithThread is the conversation that the call belongs to; without it the parent's, and "" for none.
func WithThread(id string) CallOption { return text(capi.ThreadID, "thread_id", id) }

// WithTurn is the turn of the conversation, when it is not what follows from thread and parent.
func WithTurn(id string) CallOption { return text(capi.TurnID, "turn_id", id) }

// WithKind is what kind of call it is, and so its icon: "llm", "tool", "agent", "scorer" and so on.
func WithKind(kind string) CallOption { return text(capi.Kind, "kind", kind) }

// WithAttributes are the attributes of the call, a JSON object.
func WithAttributes(attributes any) CallOption {
	return object("attributes", attributes, (*capi.CallOptions).SetAttributes)
}

// WithSummary is a summary of the program's own, a JSON object; usage and status are added.
func WithSummary(summary any) CallOption {
	return object("summary", summary, (*capi.CallOptions).SetSummary)
}

// WithUsage is usage of the call itself: a [Usage], or any JSON object. Given several times, it adds up.
func WithUsage(model string, usage any) CallOption {
	return object("usage", totalled(usage), func(o *capi.CallOptions, json []byte) { o.AddUsage(model, json) })
}

// WithError is what failed, for a call that is logged in one go; nil is fine.
func WithError(err error) CallOption {
	return CallOption{func(o *capi.CallOptions) {
		if err != nil {
			o.SetException(exceptionOf(err))
		}
	}}
}

// WithStartedAt is when a call of the past began.
func WithStartedAt(at time.Time) CallOption {
	return CallOption{func(o *capi.CallOptions) { o.SetStartedAt(at.UnixMicro()) }}
}

// WithEndedAt is when a call of the past ended.
func WithEndedAt(at time.Time) CallOption {
	return CallOption{func(o *capi.CallOptions) { o.SetEndedAt(at.UnixMicro()) }}
}

// WithRun is the run of W&B that the call belongs to, "entity/project/run", and its steps at the call's begin and end;
// negative ones are not known.
func WithRun(run string, step, stepEnd int64) CallOption {
	return CallOption{func(o *capi.CallOptions) { o.SetRun(run, step, stepEnd) }}
}

// Usage is what a call used of a model. [WithUsage] and [Call.AddUsage] make the total of both where it is 0.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	TotalTokens      int64 `json:"total_tokens,omitempty"`
}

// totalled is usage with its total, if it is a Usage.
func totalled(usage any) any {
	if known, ok := usage.(Usage); ok && known.TotalTokens == 0 {
		known.TotalTokens = known.PromptTokens + known.CompletionTokens
		return known
	}
	return usage
}

func text(which byte, field, value string) CallOption {
	return CallOption{func(o *capi.CallOptions) { o.SetText(which, field, value) }}
}

func object(field string, value any, set func(*capi.CallOptions, []byte)) CallOption {
	return CallOption{func(o *capi.CallOptions) {
		json, err := encodeObject(field, value)
		o.Note(err)
		if json != nil {
			set(o, json)
		}
	}}
}
