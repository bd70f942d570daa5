package capi

// #include "shim.h"
import "C"

// Stop ends syncs from another goroutine.
type Stop struct{ c *C.weave_stop }

// NewStop makes one, to be freed.
func NewStop() *Stop { return &Stop{C.weave_stop_new()} }

// Ask ends the syncs that it was given to. It cannot fail.
func (s *Stop) Ask() { C.weave_stop_ask(s.c) }

// Free releases it; nobody may be asking.
func (s *Stop) Free() { C.weave_stop_free(s.c) }
