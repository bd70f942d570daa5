package capi

// #include "shim.h"
import "C"

import (
	"iter"
	"runtime/cgo"
	"sync"
	"sync/atomic"
)

// Filter decides whether a record is kept. The record is of no use when it has returned.
type Filter func(*Record) bool

// Progress is told how a sync goes on; false stops it.
type Progress func(project, kind string, synced, errors uint64) bool

// progress is what C knows by its handle. One that is detached runs on a thread of the library.
type progress struct {
	tell     Progress
	detached bool
}

// Log takes a message of the library.
type Log func(level int32, message string)

// Levels of messages.
const (
	LogError   = C.WEAVE_LOG_ERROR
	LogWarning = C.WEAVE_LOG_WARNING
	LogInfo    = C.WEAVE_LOG_INFO
	LogDebug   = C.WEAVE_LOG_DEBUG
)

// Record is what a filter is asked about.
type Record struct{ c *C.weave_record }

// Type is the record's type.
func (r *Record) Type() string { return C.GoString(C.weave_record_type(r.c)) }

// JSON is a copy of the record's data.
func (r *Record) JSON() []byte {
	var length C.size_t
	text := C.weave_record_json(r.c, &length)
	return []byte(C.GoStringN(text, C.int(length)))
}

// SetJSON replaces the record's data.
func (r *Record) SetJSON(json []byte) error {
	text, length := bytes(json)
	return settle(C.wg_record_set_json(r.c, text, length))
}

// C holds nothing of this: it is the one receiver of the library's messages. It and the level are set together.
var (
	receiver atomic.Pointer[Log]
	setting  sync.Mutex
)

// SetLog sets what takes messages up to a level; nil for silence.
func SetLog(log Log, maxLevel int32) {
	setting.Lock()
	defer setting.Unlock()
	if log == nil {
		C.wg_unset_log()
		receiver.Store(nil)
		return
	}
	receiver.Store(&log)
	C.wg_set_log(C.int32_t(maxLevel))
}

//export wgFilter
func wgFilter(record *C.weave_record, handle C.uintptr_t) (decision C.int32_t) {
	// What a filter that fails wanted to hide must not be kept.
	decision = C.WEAVE_DROP
	defer notePanic()
	filter, asked := cgo.Handle(handle).Value().(Filter), &Record{record}
	defer func() { asked.c = nil }()
	apart("the filter ended its goroutine (runtime.Goexit); the record is dropped", func() {
		if filter(asked) {
			decision = C.WEAVE_KEEP
		}
	})
	return decision
}

//export wgProgress
func wgProgress(project, kind *C.char, synced, errors C.uint64_t, handle C.uintptr_t) (stop C.int32_t) {
	stop = 1
	progress := cgo.Handle(handle).Value().(progress)
	if progress.detached {
		defer raisePanic()
	} else {
		defer notePanic()
	}
	apart("the progress function ended its goroutine (runtime.Goexit)", func() {
		if progress.tell(C.GoString(project), C.GoString(kind), uint64(synced), uint64(errors)) {
			stop = 0
		}
	})
	return stop
}

//export wgLog
func wgLog(level C.int32_t, message *C.char) {
	defer raisePanic()
	if log := receiver.Load(); log != nil {
		apart("", func() { (*log)(int32(level), C.GoString(message)) })
	}
}

// goexit is raised where a function of the program called runtime.Goexit. It tells what came of that.
type goexit string

// apart runs a function of the program on a goroutine of its own: runtime.Goexit, as of t.Fatal, would end that of the
// callback and skip the frames of the library below it, so that nobody would give back what they hold. A panic is
// raised again here, and a Goexit becomes the panic that is given.
//
// The goroutine is a coroutine, which has the thread of the callback. Any other would have to be woken on another one
// and wake this one, for each record, and the library would not know its thread for the one that it has called.
func apart(ended goexit, work func()) {
	run, _ := iter.Pull(func(func(struct{}) bool) {
		returned := false
		defer func() {
			if value := recover(); value != nil {
				panic(value)
			}
			if !returned {
				panic(ended)
			}
		}()
		work()
		returned = true
	})
	run()
}

// notePanic keeps the panic of a callback for the function of this package that is running on this thread. The first of
// several stays.
func notePanic() {
	if value := recover(); value != nil && !C.wg_has_panicked() {
		C.wg_note_panic(C.uintptr_t(cgo.NewHandle(value)))
	}
}

// raisePanic ends the program with the panic of a callback, as in any goroutine: threads of the library have no caller
// that it could go to.
func raisePanic() {
	value := recover()
	if _, ended := value.(goexit); value != nil && !ended {
		go panic(value)
	}
}
