package weave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// SyncOptions say what is sent, and where. What is left at its zero value is taken from the environment or the defaults,
// as in [Options].
type SyncOptions struct {
	OfflineDir string
	Project    string // one project as recorded, "entity/project" or its last part; "" for all
	Entity     string // where the projects go that were logged without one
	// Destination is where the one project that is sent goes, under whatever name it was recorded: "entity/project", or
	// "project"; WEAVE_DESTINATION.
	Destination string
	// Destinations are where projects go by their recorded names, in the same form; WEAVE_DESTINATIONS
	// (RECORDED=DESTINATION, with commas).
	Destinations map[string]string
	// MaxTime ends the sync with [StatusTimeout], what matters most having gone first: calls that failed or have feedback,
	// then small ones. WEAVE_MAX_SYNC_TIME (seconds), no limit
	MaxTime  time.Duration
	MaxBytes int64         // to be sent, likewise; WEAVE_MAX_SYNC_BYTES, no limit
	Wait     time.Duration // for another sync of the directory, before [StatusBusy]; WEAVE_SYNC_WAIT (seconds), none
	Server   Server
	Sending  Sending
	// Progress is told how the sync goes on, while its caller waits. A panic of it reaches the caller; when it ends its
	// goroutine (runtime.Goexit, as t.Fatal does), the sync ends with [StatusCancelled]. It must not leave its thread
	// locked (runtime.LockOSThread).
	Progress func(Progress)
}

func (o *SyncOptions) native() *capi.Options {
	native := capi.NewOptions()
	setText(native, capi.Entity, "Entity", o.Entity)
	setText(native, capi.Destination, "Destination", o.Destination)
	for recorded, destination := range o.Destinations {
		native.AddDestination(recorded, destination)
	}
	if o.MaxTime != 0 {
		native.SetNumber(capi.MaxSyncTime, whole(o.MaxTime, time.Millisecond))
	}
	if o.MaxBytes != 0 {
		native.SetNumber(capi.MaxSyncBytes, o.MaxBytes)
	}
	if o.Wait != 0 {
		native.SetNumber(capi.SyncWait, whole(o.Wait, time.Millisecond))
	}
	o.Server.set(native)
	o.Sending.set(native)
	return native
}

// Counts are what became of records of one kind: a call's start and end count as one.
type Counts struct {
	Synced uint64 // taken by the server
	Errors uint64 // not taken
}

// Results are the counts of a sync by "entity/project" as recorded, and by kind: "files", "tables", "ops", "objects",
// "calls", "call_updates", "feedback", "costs".
type Results map[string]map[string]Counts

// Sync sends what is stored to the server, in the order that references need. What the server has taken is marked; what
// it has not is kept for the next time. Clients of this process may go on logging.
//
// The results are there whenever sending began, also beside an error. When the context ends, Sync does so within some
// tenths of a second, also amid a request, with an error of [StatusCancelled] that wraps the context's.
func Sync(ctx context.Context, options SyncOptions) (Results, error) {
	native := options.native()
	defer native.Free()
	setProgress(native, func(progress Progress) bool {
		if options.Progress != nil {
			options.Progress(progress)
		}
		return ctx.Err() == nil
	}, false)
	if ctx.Err() != nil {
		return nil, caused(&Error{Status: StatusCancelled, Text: "the sync was not begun"}, context.Cause(ctx))
	}
	defer stopping(ctx, native)()
	text, err := capi.Sync(options.OfflineDir, options.Project, native)
	err = fault(err)
	if errors.Is(err, StatusCancelled) {
		err = caused(err, context.Cause(ctx))
	}
	if text == "" {
		return nil, err
	}
	results, unread := resultsOf(text)
	if unread != nil {
		return nil, errors.Join(err, unread)
	}
	return results, err
}

// stopping has the work with these settings end with the context, until the function that it answers is called.
func stopping(ctx context.Context, native *capi.Options) (release func()) {
	stop, asked := capi.NewStop(), make(chan struct{})
	native.SetStop(stop)
	unregister := context.AfterFunc(ctx, func() {
		stop.Ask()
		close(asked)
	})
	return func() {
		if !unregister() {
			<-asked
		}
		stop.Free()
	}
}

// resultsOf reads {"entity/project": {"calls": [synced, errors], …}}.
func resultsOf(text string) (Results, error) {
	var told map[string]map[string][2]uint64
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return nil, fmt.Errorf("weave: results that cannot be read: %w", err)
	}
	results := Results{}
	for project, kinds := range told {
		results[project] = map[string]Counts{}
		for kind, pair := range kinds {
			results[project][kind] = Counts{pair[0], pair[1]}
		}
	}
	return results, nil
}

// CleanSyncedFiles deletes data files that were sent at least so long ago, and file bytes that nothing pending needs; how
// many files. The directory may be "", as in [Options]. Files that a client of a living process wrote may stay until that
// client is released.
func CleanSyncedFiles(offlineDir string, olderThan time.Duration) (uint64, error) {
	deleted, err := capi.CleanSyncedFiles(offlineDir, olderThan.Hours()/24)
	return deleted, fault(err)
}

// DirectoryStats tells what lies in an offline directory.
type DirectoryStats struct {
	Bytes    uint64                          `json:"bytes"`    // of everything
	Projects map[string]map[string]FileStats `json:"projects"` // by "entity/project" and folder
}

// FileStats counts data files.
type FileStats struct {
	PendingFiles uint64 `json:"pending_files"`
	PendingBytes uint64 `json:"pending_bytes"`
	SyncedFiles  uint64 `json:"synced_files"`
	SyncedBytes  uint64 `json:"synced_bytes"`
}

// Stats looks into an offline directory, which may be "", as in [Options].
func Stats(offlineDir string) (DirectoryStats, error) {
	var stats DirectoryStats
	text, err := capi.DirectoryStats(offlineDir)
	if err != nil {
		return stats, fault(err)
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		return stats, fmt.Errorf("weave: statistics that cannot be read: %w", err)
	}
	return stats, nil
}
