package weave

import (
	"errors"
	"fmt"
	"strings"
)

// Exception is an error that says how it is to be shown. Other errors are shown with the type of the first error of
// their chain that has one of its own, and their text.
type Exception struct {
	Type      string // such as "TimeoutError"
	Message   string
	Traceback string // any text; "" for none
}

func (e *Exception) Error() string { return e.Type + ": " + e.Message }

func exceptionOf(err error) Exception {
	var known *Exception
	if errors.As(err, &known) {
		shown := *known
		if shown.Type == "" {
			shown.Type = "error"
		}
		return shown
	}
	return Exception{Type: typeOf(err), Message: err.Error()}
}

// typeOf passes over the types that only carry a text or other errors.
func typeOf(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		name := strings.TrimLeft(fmt.Sprintf("%T", err), "*")
		if !strings.HasPrefix(name, "errors.") && !strings.HasPrefix(name, "fmt.") {
			return name
		}
	}
	return "error"
}
