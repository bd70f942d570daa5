package weave

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/libweave/libweave-go/internal/capi"
)

// Version is the version of the library that is loaded.
func Version() string { return capi.Version() }

// Client is a session for one project.
type Client struct {
	native  *capi.Client
	project string
	onError func(error)
}

// Init opens a session for "project" or "entity/project". Unless it is offline, the API key is checked and the project
// made on the server, which takes as long as the network does.
func Init(project string, options Options) (*Client, error) {
	settings, err := options.native()
	if err != nil {
		return nil, err
	}
	defer settings.Free()
	native, err := capi.Init(project, settings)
	if err != nil {
		return nil, fault(err)
	}
	client := &Client{native: native, project: native.Project(), onError: options.OnError}
	if client.onError == nil {
		client.onError = func(err error) { slog.Error("a call was not logged", "error", err) }
	}
	return client, nil
}

// Project is the project as it is recorded: "entity/project", the entity being "offline" when none is known.
func (c *Client) Project() string { return c.project }

// OfflineDir is where records are stored; "" when disabled.
func (c *Client) OfflineDir() string { return c.native.OfflineDir() }

// Dropped counts the records that the filter has dropped.
func (c *Client) Dropped() (uint64, error) {
	dropped, err := c.native.Dropped()
	return dropped, fault(err)
}

// Flush brings everything accepted so far to the disk for good; when not offline, also to the server.
//
// When the context ends first, the work goes on in the background, and the error is of [StatusTimeout] and wraps the
// context's. Nothing is lost by that.
func (c *Client) Flush(ctx context.Context) error { return within(ctx, c.native.Flush) }

// Finish flushes, and closes the session in any case: later work on it answers [StatusClosed]. To finish again does
// nothing. Calls that have not ended stay open. The context counts as for Flush.
func (c *Client) Finish(ctx context.Context) error {
	if ctx.Done() == nil {
		return fault(c.native.Finish(-1))
	}
	flushed := c.Flush(ctx)
	if errors.Is(flushed, StatusClosed) {
		return nil
	}
	if flushed == nil {
		// What was logged meanwhile.
		flushed = within(ctx, c.native.Finish)
		if flushed != nil {
			// The context may have ended before that closed the session.
			_ = c.native.Finish(0)
		}
		return flushed
	}
	if c.native.Finish(0) == nil {
		return nil
	}
	return flushed
}

// Close finishes with no limit of time but the one that weave_finish has: a server that takes nothing.
func (c *Client) Close() error { return c.Finish(context.Background()) }

// Query reads data of the server with a request of the trace server's interface, such as "/calls/stream_query". The
// answer is JSON, or one JSON value a line. Not available offline. When the context ends first, the error is of
// [StatusCancelled] and wraps the context's.
func (c *Client) Query(ctx context.Context, path string, request any) (json.RawMessage, error) {
	text, err := encode("request", request)
	if err != nil {
		return nil, err
	}
	type answer struct {
		text string
		err  error
	}
	text = bytes.Clone(text) // the caller's own may change when it is not waited for any more
	told, done := await(ctx, func() (told answer) {
		told.text, told.err = c.native.Query(path, text)
		return told
	})
	if !done {
		return nil, caused(&Error{Status: StatusCancelled, Text: path + ": not waited for"}, context.Cause(ctx))
	}
	if told.err != nil {
		return nil, fault(told.err)
	}
	return json.RawMessage(told.text), nil
}

// await waits for work of the library as long as the context lasts, and tells whether it was done. The work cannot be
// broken off: it goes on in the background then.
func await[T any](ctx context.Context, work func() T) (result T, done bool) {
	if ctx.Done() == nil {
		return work(), true
	}
	if ctx.Err() != nil {
		return result, false
	}
	results := make(chan T, 1)
	go func() { results <- work() }()
	select {
	case result = <-results:
		return result, true
	case <-ctx.Done():
		return result, false
	}
}

// within awaits work that takes a limit.
func within(ctx context.Context, work func(limit int64) error) error {
	err, done := await(ctx, func() error { return fault(work(limit(ctx))) })
	if !done {
		return unfinished(ctx)
	}
	if _, limited := ctx.Deadline(); limited && errors.Is(err, StatusTimeout) {
		// The deadline's own timer may be a moment behind.
		return caused(err, context.DeadlineExceeded)
	}
	return err
}

// limit is the time that a context leaves, in milliseconds; -1 without a deadline.
func limit(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return -1
	}
	return max(whole(time.Until(deadline), time.Millisecond), 0)
}

func unfinished(ctx context.Context) error {
	text := "the context ended before everything was where it belongs; the records are kept"
	return caused(&Error{Status: StatusTimeout, Text: text}, context.Cause(ctx))
}
