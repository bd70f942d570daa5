package weave

import "context"

// contextKey leads to the current *Call, or, above the first call, to the *Client.
type contextKey struct{}

// ContextWithClient is a context whose ops are logged by this client. Within a call of the client that call stays the
// current one, and within one of another client a trace begins. Ops below a nil Client are not logged.
func ContextWithClient(ctx context.Context, client *Client) context.Context {
	if ClientFromContext(ctx) == client {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, client)
}

// ClientFromContext is the client of the current call, or else of ContextWithClient, or nil.
func ClientFromContext(ctx context.Context) *Client {
	switch current := ctx.Value(contextKey{}).(type) {
	case *Call:
		return current.client
	case *Client:
		return current
	}
	return nil
}

// ContextWithCall is a context whose calls become children of this one; of a nil Call it is ctx itself.
func ContextWithCall(ctx context.Context, call *Call) context.Context {
	if call == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, call)
}

// CallFromContext is the current call, or nil.
func CallFromContext(ctx context.Context) *Call {
	call, _ := ctx.Value(contextKey{}).(*Call)
	return call
}
