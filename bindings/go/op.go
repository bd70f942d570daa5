package weave

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Op runs a function as a call: its result is the call's output, its error or panic the call's failure. Errors are
// returned and panics raised again as they were. Calls started with the function's context are children.
//
// Without a client it takes that of the context's call, and without that too, nothing is logged. Failures of logging do
// not change what the function returns; they go to [Options.OnError].
func Op[T any](ctx context.Context, client *Client, op string, inputs any, run func(context.Context) (T, error),
	options ...CallOption,
) (result T, err error) {
	if client == nil {
		client = FromContext(ctx).Client()
	}
	if client == nil {
		return run(ctx)
	}
	ctx, call, fault := client.Start(ctx, op, inputs, options...)
	if fault != nil {
		client.onError(fmt.Errorf("op %q: %w", op, fault))
		return run(ctx)
	}
	returned := false
	defer func() {
		if returned {
			call.end(op, result, err)
			return
		}
		value := recover()
		if value == nil {
			call.end(op, nil, &Exception{Type: "runtime.Goexit", Message: "the goroutine ended inside the op"})
			return
		}
		failed := &Exception{Type: "panic", Message: fmt.Sprint(value), Traceback: string(debug.Stack())}
		if cause, ok := value.(error); ok {
			failed.Type = typeOf(cause)
		}
		call.end(op, nil, failed)
		panic(value)
	}()
	result, err = run(ctx)
	returned = true
	return result, err
}

// end ends the call of an op, without its output if that cannot be logged.
func (c *Call) end(op string, output any, failed error) {
	fault := c.End(output, failed)
	if fault == nil {
		return
	}
	c.client.onError(fmt.Errorf("op %q: %w", op, fault))
	// A filter that ended its goroutine has dropped the end for good.
	if output != nil && !errors.Is(fault, StatusClosed) && !errors.Is(fault, StatusCancelled) {
		if fault := c.End(nil, failed); fault != nil {
			c.client.onError(fmt.Errorf("op %q: without its output: %w", op, fault))
		}
	}
}
