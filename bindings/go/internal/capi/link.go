package capi

// How the library is found. By default the compiler looks in its own places and in those of CGO_CFLAGS and CGO_LDFLAGS;
// the tag weave_pkgconfig asks pkg-config. The tag weave_static takes libweave.a; the shared library that pkg-config
// names beside it is then not needed, and so not linked.

// CGO_CFLAGS takes the place of cgo's own -O2.

// #cgo CFLAGS: -O2
// #cgo !weave_static,!weave_pkgconfig LDFLAGS: -lweave
// #cgo weave_static LDFLAGS: -l:libweave.a -lm -ldl -pthread -Wl,--as-needed
// #cgo weave_pkgconfig pkg-config: weave
import "C"
