package weave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// Rejected names records that a server did not take: of one project and one kind ("calls", "feedback", … as in
// [Results]), or of all. What is left at its zero value is not narrowed down; the directory is taken as in [Options].
type Rejected struct {
	OfflineDir string
	Project    string
	Kind       string
}

// Rejection is a record that a server did not take, and why.
type Rejection struct {
	Project string   `json:"project"` // as recorded
	Kind    string   `json:"kind"`
	ID      string   `json:"id"`
	Status  int      `json:"status"` // what the server answered; 0 when it was not the server that refused it
	Reason  string   `json:"reason"`
	Place   string   `json:"place"`  // the data file and the number of the record in it
	Places  []string `json:"places"` // instead of Place, when there are several
	At      string   `json:"at"`
	Server  string   `json:"server"`
	To      string   `json:"to"` // the project on the server
}

// List lists the records. They are not sent again by themselves.
func (r Rejected) List() ([]Rejection, error) {
	text, err := capi.RejectedList(capi.Which(r))
	if err != nil {
		return nil, fault(err)
	}
	var rejections []Rejection
	if err := json.Unmarshal([]byte(text), &rejections); err != nil {
		return nil, fmt.Errorf("weave: rejections that cannot be read: %w", err)
	}
	return rejections, nil
}

// Retry puts the records back to those that wait for the next sync; how many.
func (r Rejected) Retry() (uint64, error) {
	count, err := capi.RejectedRetry(capi.Which(r))
	return count, fault(err)
}

// Export writes the records with their lines to a file that must not exist yet, one JSON object a line; how many.
func (r Rejected) Export(toFile string) (uint64, error) {
	count, err := capi.RejectedExport(capi.Which(r), toFile)
	return count, fault(err)
}

// Drop gives the records up for good; how many.
func (r Rejected) Drop() (uint64, error) {
	count, err := capi.RejectedDrop(capi.Which(r))
	return count, fault(err)
}

// VerifyOptions say what is asked for, and where. What is left at its zero value is taken as in [SyncOptions].
type VerifyOptions struct {
	OfflineDir string
	Project    string
	// PutBack has what is missing sent by the next sync, from the synced files that are there still.
	PutBack  bool
	Server   Server
	Progress func(Progress) // as in [SyncOptions]; its counts are what was found and what is missing
}

// Verified are counts by "entity/project" as recorded, and by kind: how many were found on the server, and how many
// were asked for.
type Verified map[string]map[string][2]uint64

// Verify asks the server for everything that the receipts of past syncs say it has. The error is of [StatusIncomplete]
// when something is missing or could not be asked, and says what.
func Verify(ctx context.Context, options VerifyOptions) (Verified, error) {
	native := capi.NewOptions()
	defer native.Free()
	options.Server.set(native)
	setProgress(native, func(progress Progress) bool {
		if options.Progress != nil {
			options.Progress(progress)
		}
		return ctx.Err() == nil
	}, false)
	if ctx.Err() != nil {
		return nil, caused(&Error{Status: StatusCancelled, Text: "the verification was not begun"}, context.Cause(ctx))
	}
	defer stopping(ctx, native)()
	text, err := capi.Verify(options.OfflineDir, options.Project, options.PutBack, native)
	err = fault(err)
	if errors.Is(err, StatusCancelled) {
		err = caused(err, context.Cause(ctx))
	}
	if text == "" {
		return nil, err
	}
	var verified Verified
	if unread := json.Unmarshal([]byte(text), &verified); unread != nil {
		return nil, errors.Join(err, fmt.Errorf("weave: results that cannot be read: %w", unread))
	}
	return verified, err
}

// Cleanable is what [CleanSyncedFiles] would delete.
type Cleanable struct {
	Files []CleanableFile `json:"files"`
	Bytes uint64          `json:"bytes"` // of all
}

// CleanableFile is one of these files.
type CleanableFile struct {
	Path  string `json:"path"` // within the offline directory
	Bytes uint64 `json:"bytes"`
}

// PreviewClean tells what [CleanSyncedFiles] would delete now, and deletes nothing.
func PreviewClean(offlineDir string, olderThan time.Duration) (Cleanable, error) {
	var cleanable Cleanable
	text, err := capi.CleanPreview(offlineDir, olderThan.Hours()/24)
	if err != nil {
		return cleanable, fault(err)
	}
	if err := json.Unmarshal([]byte(text), &cleanable); err != nil {
		return cleanable, fmt.Errorf("weave: a preview that cannot be read: %w", err)
	}
	return cleanable, nil
}
