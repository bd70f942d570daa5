// Logs one call through the C interface alone, with the flags that pkg-config gives. test_install.py builds it.
package main

// #cgo pkg-config: weave
// #include <stdlib.h>
// #include <weave.h>
import "C"

import (
	"log"
	"unsafe"
)

func text(s string) (*C.char, func()) {
	c := C.CString(s)
	return c, func() { C.free(unsafe.Pointer(c)) }
}

func must(status C.weave_status) {
	if status != C.WEAVE_OK {
		log.Fatal(C.GoString(C.weave_status_text(C.int32_t(status))))
	}
}

func main() {
	project, free := text("greet-go")
	defer free()
	op, free := text("greet")
	defer free()
	inputs, free := text(`{"name": "Ada"}`)
	defer free()
	output, free := text(`"Hello, Ada!"`)
	defer free()

	options := C.weave_options_new()
	C.weave_options_set_offline(options, true)
	var client *C.weave_client
	must(C.weave_init(project, options, &client))
	C.weave_options_free(options)
	must(C.weave_log_call(client, op, inputs, -1, output, -1, nil, nil))
	must(C.weave_finish(client, -1, nil))
	C.weave_client_free(client)
}
