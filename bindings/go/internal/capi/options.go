package capi

// #include "shim.h"
import "C"

import "runtime/cgo"

// Options are the settings of a client or a sync. The first failure of a setter is told by what takes the options.
type Options struct {
	c         *C.weave_options
	callbacks []cgo.Handle
	err       error
}

// Text settings.
const (
	OfflineDir     = C.WG_OFFLINE_DIR
	Entity         = C.WG_ENTITY
	Destination    = C.WG_DESTINATION
	APIKey         = C.WG_API_KEY
	BaseURL        = C.WG_BASE_URL
	TraceServerURL = C.WG_TRACE_SERVER_URL
	CAFile         = C.WG_CA_FILE
	Source         = C.WG_SOURCE
	RedactKey      = C.WG_REDACT_KEY
	Journal        = C.WG_JOURNAL
	WhenFull       = C.WG_WHEN_FULL
	QuotaPolicy    = C.WG_QUOTA_POLICY
)

// Flags.
const (
	Offline          = C.WG_OFFLINE
	Disabled         = C.WG_DISABLED
	Compress         = C.WG_COMPRESS
	GroupAccess      = C.WG_GROUP_ACCESS
	Insecure         = C.WG_INSECURE
	CloseInterrupted = C.WG_CLOSE_INTERRUPTED
)

// Numbers: sizes in bytes, the age of files in seconds, the other times in milliseconds, a level, a count.
const (
	MaxFileSize        = C.WG_MAX_FILE_SIZE
	MaxFileAge         = C.WG_MAX_FILE_AGE
	CompressionLevel   = C.WG_COMPRESSION_LEVEL
	DurabilityInterval = C.WG_DURABILITY_INTERVAL
	SendInterval       = C.WG_SEND_INTERVAL
	JournalSize        = C.WG_JOURNAL_SIZE
	BlockLimit         = C.WG_BLOCK_LIMIT
	MaxDirectorySize   = C.WG_MAX_DIRECTORY_SIZE
	OpenCallAge        = C.WG_OPEN_CALL_AGE
	MaxSyncTime        = C.WG_MAX_SYNC_TIME
	MaxSyncBytes       = C.WG_MAX_SYNC_BYTES
	MaxSyncRate        = C.WG_MAX_SYNC_RATE
	SyncConnections    = C.WG_SYNC_CONNECTIONS
	SyncWait           = C.WG_SYNC_WAIT
	HTTPTimeout        = C.WG_HTTP_TIMEOUT
)

// NewOptions makes settings with nothing set, to be freed.
func NewOptions() *Options { return &Options{c: C.weave_options_new()} }

// Free releases the settings, and their callbacks when no client has taken them over.
func (o *Options) Free() {
	C.weave_options_free(o.c)
	for _, handle := range o.callbacks {
		handle.Delete()
	}
}

func (o *Options) note(err error) {
	if o.err == nil {
		o.err = err
	}
}

// SetText sets a text; field is its name in errors.
func (o *Options) SetText(which int, field, value string) {
	var in texts
	text := in.text(field, value)
	if in.err != nil {
		o.note(in.err)
		return
	}
	o.note(settle(C.wg_options_set_text(o.c, C.int(which), text)))
}

// SetFlag sets a flag.
func (o *Options) SetFlag(which int, value bool) {
	o.note(settle(C.wg_options_set_flag(o.c, C.int(which), C.bool(value))))
}

// SetNumber sets a number.
func (o *Options) SetNumber(which int, value int64) {
	o.note(settle(C.wg_options_set_number(o.c, C.int(which), C.int64_t(value))))
}

// SetSampleRate sets the share of traces that is kept.
func (o *Options) SetSampleRate(rate float64) {
	o.note(settle(C.wg_options_set_sample_rate(o.c, C.double(rate))))
}

// SetAttributes sets the attributes of every call.
func (o *Options) SetAttributes(json []byte) {
	text, length := bytes(json)
	o.note(settle(C.wg_options_set_attributes(o.c, text, length)))
}

// AddDestination sets where a project goes that was recorded under another name.
func (o *Options) AddDestination(recorded, destination string) {
	var in texts
	from, to := in.text("recorded", recorded), in.text("destination", destination)
	if in.err != nil {
		o.note(in.err)
		return
	}
	o.note(settle(C.wg_options_add_destination(o.c, from, to)))
}

// SetStop sets the way to stop a sync. The settings keep what they need of it.
func (o *Options) SetStop(stop *Stop) { o.note(settle(C.wg_options_set_stop(o.c, stop.c))) }

// SetFilter sets what sees every record. C keeps a number that stands for it, never its address.
func (o *Options) SetFilter(filter Filter) {
	o.note(settle(C.wg_options_set_filter(o.c, o.handle(filter))))
}

// SetProgress sets what is told of a sync: on the goroutine that syncs, or, detached, on a thread of the library, for a
// client.
func (o *Options) SetProgress(tell Progress, detached bool) {
	o.note(settle(C.wg_options_set_progress(o.c, o.handle(progress{tell, detached}))))
}

func (o *Options) handle(callback any) C.uintptr_t {
	handle := cgo.NewHandle(callback)
	o.callbacks = append(o.callbacks, handle)
	return C.uintptr_t(handle)
}
