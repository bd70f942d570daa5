//go:build !cgo

// Package capi holds every call of libweave.
package capi

// The name is the message: the compiler prints it where cgo is off.
var _ = libweave_needs_cgo__install_a_C_compiler_and_build_with_CGO_ENABLED_1
