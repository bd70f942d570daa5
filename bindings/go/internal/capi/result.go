// Package capi holds every call of libweave, and with them what the C interface asks of its users: texts and bytes that
// live as long as a call, handles that are freed once and not while in use, one thread at a time where that is the rule,
// and error texts of the right thread. Nothing outside of it imports "C".
package capi

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// Failure is what a function of the library answered instead of WEAVE_OK.
type Failure struct {
	Status int32
	Text   string
}

func (f *Failure) Error() string { return f.Text }

// Version is the library's version.
func Version() string { return C.GoString(C.weave_version()) }

// StatusText is the short text of a status.
func StatusText(status int32) string { return C.GoString(C.weave_status_text(C.int32_t(status))) }

// settle frees what a result carries and raises the panic of a callback; the failure, if it is one. A callback that
// ended its goroutine is a failure.
func settle(r C.wg_result) error {
	if r.status == C.WEAVE_OK && r.panicked == 0 {
		return nil
	}
	return failed(r)
}

func failed(r C.wg_result) error {
	text := ""
	if r.error != nil {
		text = C.GoString(r.error)
		C.free(unsafe.Pointer(r.error))
	}
	if r.panicked != 0 {
		handle := cgo.Handle(r.panicked)
		value := handle.Value()
		handle.Delete()
		ended, is := value.(goexit)
		if !is {
			C.weave_string_free(r.text)
			panic(value)
		}
		if r.status == C.WEAVE_OK {
			return &Failure{C.WEAVE_CANCELLED, string(ended)}
		}
		text = string(ended) + ": " + text
	}
	if text == "" {
		text = StatusText(int32(r.status))
	}
	return &Failure{int32(r.status), text}
}

// settleText is settle for a function that gives a text, which may come with a failure too.
func settleText(r C.wg_result) (string, error) {
	err := settle(r)
	if r.text == nil {
		return "", err
	}
	text := C.GoString(r.text)
	C.weave_string_free(r.text)
	return text, err
}

// newID is room for an id, and where C finds it.
func newID() (id []byte, room *C.char) {
	id = make([]byte, C.WEAVE_ID_SIZE)
	room, _ = bytes(id)
	return id, room
}

// settleID is settle for a function that has written an id; the text is made of the same memory.
func settleID(r C.wg_result, id []byte) (string, error) {
	if err := settle(r); err != nil {
		return "", err
	}
	return written(id), nil
}

// settleFailure is settle for a function that answers only a failure, which is freed.
func settleFailure(r *C.wg_result) error {
	defer C.wg_failure_free(r)
	return settle(*r)
}

// written is the id that C has written; the text is made of the same memory.
func written(id []byte) string {
	text := unsafe.String(unsafe.SliceData(id), len(id))
	return text[:strings.IndexByte(text, 0)]
}

// texts makes NUL-terminated copies in Go memory, which live as long as the call they are passed to. C would stop
// reading at a NUL inside, so that one is refused; the first refusal stays in err.
type texts struct{ err error }

func (t *texts) text(field, value string) *C.char {
	if err := refuseNUL(field, value); err != nil && t.err == nil {
		t.err = err
	}
	copied := make([]byte, len(value)+1)
	copy(copied, value)
	return (*C.char)(unsafe.Pointer(&copied[0]))
}

func refuseNUL(field, value string) error {
	at := strings.IndexByte(value, 0)
	if at < 0 {
		return nil
	}
	return &Failure{C.WEAVE_INVALID_ARGUMENT, fmt.Sprintf("%s: has a NUL at byte %d; take it out", field, at)}
}

// optional is text, and NULL for "".
func (t *texts) optional(field, value string) *C.char {
	if value == "" {
		return nil
	}
	return t.text(field, value)
}

// bytes is what C takes as pointer and length. The memory stays Go's, for as long as the call takes.
func bytes(b []byte) (*C.char, C.ptrdiff_t) {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), C.ptrdiff_t(len(b))
}
