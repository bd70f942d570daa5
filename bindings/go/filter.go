package weave

import (
	"encoding/json"

	"github.com/libweave/libweave-go/internal/capi"
)

// Decision is what a filter makes of a record.
type Decision int

// What a filter decides.
const (
	Keep Decision = iota
	Drop
)

// Record is what a filter is asked about. It is of no use when the filter has returned.
type Record struct{ native *capi.Record }

// Type is the type of the record, as it stands in a data file: "call_complete", "call_start", "obj_create" and so on.
func (r *Record) Type() string { return r.native.Type() }

// JSON is the record's data: the JSON of the request that it stands for.
func (r *Record) JSON() json.RawMessage { return r.native.JSON() }

// SetJSON replaces the data, which must still be about the same thing. When it is refused, so is the record: the
// function that logs answers the error.
func (r *Record) SetJSON(data json.RawMessage) error { return fault(r.native.SetJSON(data)) }
