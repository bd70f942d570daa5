package capi

// #include "shim.h"
import "C"

import (
	"runtime"
	"runtime/cgo"
)

// Client is a session. It is freed when nothing refers to it any more, so that no goroutine can use a freed one.
type Client struct {
	c         *C.weave_client
	callbacks []cgo.Handle
}

// Init opens a session, which takes over the callbacks of the options.
func Init(project string, options *Options) (*Client, error) {
	var in texts
	name := in.text("project", project)
	if options.err != nil {
		return nil, options.err
	}
	if in.err != nil {
		return nil, in.err
	}
	r := C.wg_init(name, options.c)
	if err := settle(r); err != nil {
		return nil, err
	}
	client := &Client{(*C.weave_client)(r.handle), options.callbacks}
	// To free it waits for a progress function that runs, and the cleanups of the whole program wait for each other.
	runtime.AddCleanup(client, func(client Client) { go freeClient(client) }, *client)
	options.callbacks = nil
	return client, nil
}

// The callbacks go last: calls refer to their client, so none is left that could still log.
func freeClient(client Client) {
	C.weave_client_free(client.c)
	for _, handle := range client.callbacks {
		handle.Delete()
	}
}

// Project is "entity/project".
func (c *Client) Project() string {
	defer runtime.KeepAlive(c)
	return C.GoString(C.weave_client_project(c.c))
}

// OfflineDir is where records are stored.
func (c *Client) OfflineDir() string {
	defer runtime.KeepAlive(c)
	return C.GoString(C.weave_client_offline_dir(c.c))
}

// Flush brings records to the disk; a negative limit (in milliseconds) is none.
func (c *Client) Flush(limit int64) error {
	defer runtime.KeepAlive(c)
	return settle(C.wg_flush(c.c, C.int64_t(limit)))
}

// Finish flushes and closes.
func (c *Client) Finish(limit int64) error {
	defer runtime.KeepAlive(c)
	return settle(C.wg_finish(c.c, C.int64_t(limit)))
}

// Dropped counts what the filter dropped.
func (c *Client) Dropped() (uint64, error) {
	defer runtime.KeepAlive(c)
	r := C.wg_dropped(c.c)
	return uint64(r.number), settle(r)
}

// Stats tells what became of the records of this process, as JSON.
func (c *Client) Stats() (string, error) {
	defer runtime.KeepAlive(c)
	return settleText(C.wg_stats(c.c))
}

// Query reads data of the server.
func (c *Client) Query(path string, request []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	where := in.text("path", path)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(request)
	return settleText(C.wg_query(c.c, where, text, length))
}
