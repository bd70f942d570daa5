package weave

import (
	"os"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// Options are the settings of a client. What is left at its zero value is taken from the environment (the variable is
// named with each), or else from the defaults.
type Options struct {
	Offline          bool          // never touch the network; WEAVE_OFFLINE
	Disabled         bool          // do nothing at all; WEAVE_DISABLED
	OfflineDir       string        // where records are stored; WEAVE_OFFLINE_DIR, ~/.weave/offline
	Entity           string        // the team or account of a project named without one; WANDB_ENTITY
	MaxFileSize      int64         // in bytes, after which a data file is closed; WEAVE_MAX_FILE_SIZE, 100000000
	MaxFileAge       time.Duration // after which a data file is closed; WEAVE_MAX_FILE_AGE (seconds), a day
	Uncompressed     bool          // store data files without gzip; WEAVE_COMPRESS=0
	CompressionLevel int           // 1 (fast) to 12 (small); WEAVE_COMPRESSION_LEVEL
	GroupAccess      bool          // let the group read and write the files; WEAVE_GROUP_ACCESS
	// DurabilityInterval is the time in which power loss can cost what was accepted; 0: what was accepted since the last
	// flush. WEAVE_DURABILITY_INTERVAL (seconds), 1 s
	DurabilityInterval *time.Duration
	Journal            string        // "auto" (mapped memory where it can be had) or "write"; WEAVE_JOURNAL
	JournalSize        int64         // bytes that may wait in the journal; WEAVE_JOURNAL_SIZE, 67108864
	WhenFull           string        // "block" (wait for room in the journal) or "refuse"; WEAVE_WHEN_FULL
	BlockLimit         time.Duration // how long to wait; WEAVE_BLOCK_LIMIT (seconds), 5 s
	MaxDirectorySize   int64         // in bytes, beside journals; WEAVE_MAX_DIRECTORY_SIZE, as many as the disk has
	QuotaPolicy        string        // at that size "refuse" or "drop-oldest" what is not sent; WEAVE_QUOTA_POLICY

	Source     string   // what logs, in attributes.weave.source; WEAVE_SOURCE, "libweave-go"
	Attributes any      // of every call, a JSON object; WEAVE_ATTRIBUTES
	SampleRate *float64 // the share of traces that is kept, 0 to 1; WEAVE_SAMPLE_RATE, 1
	RedactKeys []string // further keys whose values in inputs are hidden; WEAVE_REDACT_KEYS adds to them
	Server     Server
	Sending    Sending

	// Filter sees every record before it is kept, while the goroutine that logs waits, also several at once. A panic of
	// it reaches that goroutine; when it ends its own (runtime.Goexit, as t.Fatal does), the function that logs answers
	// [StatusCancelled]. The record is dropped both times. It must not change or end the call whose record it sees, nor
	// leave its thread locked (runtime.LockOSThread). A client that it refers to is never released.
	Filter func(*Record) Decision
	// Progress is told what is sent to the server, on a thread of the library. It must not flush or finish. A panic of
	// it ends the program; when it ends its goroutine, the sending that it is told of stops, and is begun again later.
	// As for Filter, its thread is not to be left locked, and a client that it refers to is never released.
	Progress func(Progress)
	// OnError takes the failures of logging that [Op] cannot return. Default: an error message to [slog.Default].
	OnError func(error)
}

// Server says where records are sent, and as whom.
type Server struct {
	APIKey         string        // WANDB_API_KEY, or the netrc file
	BaseURL        string        // WANDB_BASE_URL, https://api.wandb.ai
	TraceServerURL string        // WF_TRACE_SERVER_URL; default: what belongs to BaseURL
	CAFile         string        // certificate authorities to trust, as PEM; WEAVE_CA_FILE
	HTTPTimeout    time.Duration // of one request; WEAVE_HTTP_TIMEOUT (seconds), 30 s
	SendInterval   time.Duration // how long what was logged may wait before it is sent; WEAVE_SEND_INTERVAL (seconds), 2 s
	Insecure       bool          // trust any certificate, for tests; WEAVE_INSECURE_DISABLE_SSL
}

// Sending says how records are sent, by a client that is not offline and by [Sync].
type Sending struct {
	// OpenCallAge is the age at which a call that has not ended, and whose program still runs, is sent as one that runs.
	// WEAVE_OPEN_CALL_AGE (seconds), 60 s
	OpenCallAge      *time.Duration
	CloseInterrupted bool  // close, as failed, calls that a program that is gone has left open; WEAVE_CLOSE_INTERRUPTED
	MaxRate          int64 // in bytes a second; WEAVE_MAX_SYNC_RATE, no limit
	Connections      int   // requests that may be under way at once, 1 to 16; WEAVE_SYNC_CONNECTIONS, 3
}

// Progress tells how far the sending of one kind of records of one project has come.
type Progress struct {
	Project string
	Kind    string // as in [Results]
	Counts
}

func (o *Options) native() (*capi.Options, error) {
	attributes, err := encodeObject("attributes", o.Attributes)
	if err != nil {
		return nil, err
	}
	native := capi.NewOptions()
	if attributes != nil {
		native.SetAttributes(attributes)
	}
	source := o.Source
	if source == "" && os.Getenv("WEAVE_SOURCE") == "" {
		source = "libweave-go"
	}
	setText(native, capi.OfflineDir, "OfflineDir", o.OfflineDir)
	setText(native, capi.Entity, "Entity", o.Entity)
	setText(native, capi.Source, "Source", source)
	setFlag(native, capi.Offline, o.Offline, true)
	setFlag(native, capi.Disabled, o.Disabled, true)
	setFlag(native, capi.GroupAccess, o.GroupAccess, true)
	setFlag(native, capi.Compress, o.Uncompressed, false)
	if o.MaxFileSize != 0 {
		native.SetNumber(capi.MaxFileSize, o.MaxFileSize)
	}
	if o.MaxFileAge != 0 {
		native.SetNumber(capi.MaxFileAge, whole(o.MaxFileAge, time.Second))
	}
	if o.CompressionLevel != 0 {
		native.SetNumber(capi.CompressionLevel, int64(o.CompressionLevel))
	}
	if o.DurabilityInterval != nil {
		native.SetNumber(capi.DurabilityInterval, whole(*o.DurabilityInterval, time.Millisecond))
	}
	setText(native, capi.Journal, "Journal", o.Journal)
	setText(native, capi.WhenFull, "WhenFull", o.WhenFull)
	setText(native, capi.QuotaPolicy, "QuotaPolicy", o.QuotaPolicy)
	if o.JournalSize != 0 {
		native.SetNumber(capi.JournalSize, o.JournalSize)
	}
	if o.BlockLimit != 0 {
		native.SetNumber(capi.BlockLimit, whole(o.BlockLimit, time.Millisecond))
	}
	if o.MaxDirectorySize != 0 {
		native.SetNumber(capi.MaxDirectorySize, o.MaxDirectorySize)
	}
	if o.SampleRate != nil {
		native.SetSampleRate(*o.SampleRate)
	}
	for _, key := range o.RedactKeys {
		native.SetText(capi.RedactKey, "RedactKeys", key)
	}
	if o.Filter != nil {
		native.SetFilter(func(record *capi.Record) bool { return o.Filter(&Record{record}) == Keep })
	}
	if o.Progress != nil {
		setProgress(native, func(progress Progress) bool { o.Progress(progress); return true }, true)
	}
	o.Server.set(native)
	o.Sending.set(native)
	return native, nil
}

func (s *Server) set(native *capi.Options) {
	setText(native, capi.APIKey, "Server.APIKey", s.APIKey)
	setText(native, capi.BaseURL, "Server.BaseURL", s.BaseURL)
	setText(native, capi.TraceServerURL, "Server.TraceServerURL", s.TraceServerURL)
	setText(native, capi.CAFile, "Server.CAFile", s.CAFile)
	if s.HTTPTimeout != 0 {
		native.SetNumber(capi.HTTPTimeout, whole(s.HTTPTimeout, time.Millisecond))
	}
	if s.SendInterval != 0 {
		native.SetNumber(capi.SendInterval, whole(s.SendInterval, time.Millisecond))
	}
	setFlag(native, capi.Insecure, s.Insecure, true)
}

func (s *Sending) set(native *capi.Options) {
	if s.OpenCallAge != nil {
		native.SetNumber(capi.OpenCallAge, whole(*s.OpenCallAge, time.Millisecond))
	}
	setFlag(native, capi.CloseInterrupted, s.CloseInterrupted, true)
	if s.MaxRate != 0 {
		native.SetNumber(capi.MaxSyncRate, s.MaxRate)
	}
	if s.Connections != 0 {
		native.SetNumber(capi.SyncConnections, int64(s.Connections))
	}
}

func setFlag(native *capi.Options, which int, given, value bool) {
	if given {
		native.SetFlag(which, value)
	}
}

func setText(native *capi.Options, which int, field, text string) {
	if text != "" {
		native.SetText(which, field, text)
	}
}

func setProgress(native *capi.Options, tell func(Progress) bool, detached bool) {
	native.SetProgress(func(project, kind string, synced, errors uint64) bool {
		return tell(Progress{project, kind, Counts{synced, errors}})
	}, detached)
}

// whole counts units, the last one begun included, so that no limit becomes 0, and nothing negative either.
func whole(d, unit time.Duration) int64 {
	count := int64(d / unit)
	switch rest := d % unit; {
	case rest > 0:
		count++
	case rest < 0:
		count--
	}
	return count
}
