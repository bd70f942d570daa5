package weave

import (
	"errors"
	"fmt"

	"github.com/libweave/libweave-go/internal/capi"
)

// Status says what kind of failure an error is. It is an error itself, for [errors.Is].
type Status int32

// The statuses of the library; the numbers never change.
const (
	StatusInvalidArgument Status = 1  // nothing where a value is needed, or one out of range
	StatusInvalidUTF8     Status = 2  // a text is not UTF-8
	StatusInvalidJSON     Status = 3  // a value is not JSON, or not of the required shape
	StatusInvalidName     Status = 4  // a project, object, op or file name that cannot be used
	StatusInvalidID       Status = 5  // a call, trace or parent id, or a reference, of the wrong form
	StatusRejected        Status = 6  // the server would refuse or never show this record
	StatusTooLarge        Status = 7  // over the size that one request may have
	StatusIO              Status = 8  // a file operation failed
	StatusNoSpace         Status = 9  // the disk or the quota is full
	StatusClosed          Status = 10 // the client is finished, or the call has ended
	StatusTimeout         Status = 11 // the time given was not enough; what is left is kept
	StatusOffline         Status = 12 // data of the server was asked for while offline
	StatusUnauthorized    Status = 13 // no API key, or the server refused it
	StatusForbidden       Status = 14 // the key has no access to the project
	StatusNetwork         Status = 15 // the server could not be reached
	StatusServer          Status = 16 // the server answered with an error
	StatusIncomplete      Status = 17 // a sync ended with errors; the records are kept
	StatusBusy            Status = 18 // another process holds what is needed
	StatusCancelled       Status = 19 // a sync was stopped, or a callback ended its goroutine
	StatusPanic           Status = 20 // a fault inside the library was caught; the client refuses further work
)

// Error is the short text of the status.
func (s Status) Error() string { return capi.StatusText(int32(s)) }

// Error is a failure: what happened, to which field, file or address, and what to do about it.
type Error struct {
	Status Status
	Text   string
	cause  error
}

func (e *Error) Error() string { return "weave: " + e.Text }

// Is tells whether the target is the error's status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap is the error behind it: the context's, or that of encoding/json.
func (e *Error) Unwrap() error { return e.cause }

// fault makes the package's error of a failure of the library; nil of nil.
func fault(err error) error {
	if err == nil {
		return nil
	}
	return errorOf(err)
}

func errorOf(err error) error {
	var failure *capi.Failure
	if !errors.As(err, &failure) {
		return err
	}
	return &Error{Status: Status(failure.Status), Text: failure.Text}
}

// caused adds the error that is behind a failure, such as that of the context that ended.
func caused(err, cause error) error {
	var known *Error
	if err == nil || cause == nil || !errors.As(err, &known) {
		return err
	}
	return &Error{Status: known.Status, Text: fmt.Sprintf("%s (%v)", known.Text, cause), cause: cause}
}
