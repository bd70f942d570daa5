package weave

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Op runs a function as a call of the context's client: its result is the call's output, its error or panic the call's
// failure. Errors are returned and panics raised again as they were. Calls started with the function's context are
// children.
//
// Without a client in the context (see [ContextWithClient]) the function runs and nothing is logged, so that libraries
// can have ops without knowing whether they are traced. Failures of logging do not change what the function returns;
// they go to [Options.OnError]. Inputs, an option or an output that cannot be logged are left out of the call. Only a
// panic of the filter reaches the caller, before the function runs or after it.
func Op[T any](ctx context.Context, op string, inputs any, run func(context.Context) (T, error), options ...CallOption,
) (result T, err error) {
	ctx, call := begin(ctx, op, inputs, options)
	if call == nil {
		return run(ctx)
	}
	returned := false
	defer func() {
		if returned {
			call.finish(op, result, err)
		} else if value := recover(); value != nil {
			call.finish(op, nil, panicked(value))
			panic(value)
		} else {
			call.finish(op, nil, &Exception{Type: "runtime.Goexit", Message: "the goroutine ended inside the op"})
		}
	}()
	result, err = run(ctx)
	returned = true
	return result, err
}

// begin starts the call of an op; nil when there is no client or it cannot be started. A value that cannot be logged is
// left out; which one it is shows by what can be started without it.
func begin(ctx context.Context, op string, inputs any, options []CallOption) (context.Context, *Call) {
	client := ClientFromContext(ctx)
	inside, call, fault := client.Start(ctx, op, inputs, options...)
	if fault == nil {
		return inside, call
	}
	client.onError(fmt.Errorf("op %q: %w", op, fault))
	if !isOfTheValue(fault) || inputs == nil && len(options) == 0 {
		return ctx, nil
	}
	type given struct {
		inputs  any
		options []CallOption
	}
	attempts := []given{{nil, options}}
	for i := range options {
		attempts = append(attempts, given{inputs, slices.Delete(slices.Clone(options), i, i+1)})
	}
	for _, less := range append(attempts, given{}) {
		if inside, call, fault = client.Start(ctx, op, less.inputs, less.options...); fault == nil {
			return inside, call
		}
	}
	client.onError(fmt.Errorf("op %q: without what it was given: %w", op, fault))
	return ctx, nil
}

// finish ends the call of an op.
func (c *Call) finish(op string, output any, failed error) {
	fault := c.End(output, failed)
	if fault == nil {
		return
	}
	c.client.onError(fmt.Errorf("op %q: %w", op, fault))
	if output != nil && isOfTheValue(fault) {
		if fault = c.End(nil, failed); fault != nil {
			c.client.onError(fmt.Errorf("op %q: without its output: %w", op, fault))
		}
	}
}

// isOfTheValue tells whether a call may be logged without the value that it was to have.
func isOfTheValue(fault error) bool {
	return errors.Is(fault, StatusInvalidJSON) || errors.Is(fault, StatusInvalidUTF8) ||
		errors.Is(fault, StatusRejected) || errors.Is(fault, StatusTooLarge)
}
