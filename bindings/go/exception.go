package weave

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/libweave/libweave-go/internal/capi"
)

// Exception is an error that says how it is to be shown. Other errors are shown with their text and the type of the
// first error in their tree that has one of its own; an Exception in the tree gives type and traceback.
type Exception struct {
	Type      string // such as "TimeoutError"
	Message   string
	Traceback string // any text; "" for none
}

func (e *Exception) Error() string { return e.Type + ": " + e.Message }

// noType is the type of errors that only carry a text.
const noType = "error"

// exceptionOf is how an error is shown; nil of nil. What it says is made fit to be stored: it may hold anything.
func exceptionOf(err error) *capi.Exception {
	if err == nil {
		return nil
	}
	// fmt survives an Error method that panics, such as that of a nil pointer.
	shown := capi.Exception{Type: typeOf(err), Message: fmt.Sprint(err)}
	if known := exceptionIn(err); known != nil {
		shown.Type, shown.Traceback = known.Type, known.Traceback
		if shown.Type == "" {
			shown.Type = noType
		}
		if err == error(known) {
			shown.Message = known.Message
		}
	}
	for _, text := range []*string{&shown.Type, &shown.Message, &shown.Traceback} {
		*text = strings.ToValidUTF8(strings.ReplaceAll(*text, "\x00", "\uFFFD"), "\uFFFD")
	}
	return &shown
}

// exceptionIn is the Exception in the tree of an error, if any. Methods of an error may panic, as those of a nil pointer do.
func exceptionIn(err error) (found *Exception) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	errors.As(err, &found)
	return found
}

// typeOf passes over the types that only carry a text or other errors.
func typeOf(err error) string {
	name := strings.TrimLeft(fmt.Sprintf("%T", err), "*")
	if !strings.HasPrefix(name, "errors.") && !strings.HasPrefix(name, "fmt.") {
		return name
	}
	switch carrier := err.(type) {
	case interface{ Unwrap() error }:
		if cause := carrier.Unwrap(); cause != nil {
			return typeOf(cause)
		}
	case interface{ Unwrap() []error }:
		for _, cause := range carrier.Unwrap() {
			if name := typeOf(cause); name != noType {
				return name
			}
		}
	}
	return noType
}

// panicked is how the panic is shown that is being handled.
func panicked(value any) *Exception {
	shown := &Exception{Type: "panic", Message: fmt.Sprint(value), Traceback: string(debug.Stack())}
	if cause, ok := value.(error); ok {
		if name := typeOf(cause); name != noType {
			shown.Type = name
		}
	}
	return shown
}
