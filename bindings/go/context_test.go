package weave_test

import (
	"context"
	"testing"

	weave "github.com/libweave/libweave-go"
)

// named is an op of a library that knows of no client.
func named(ctx context.Context, op string) {
	_, _ = weave.Op(ctx, op, nil, func(context.Context) (string, error) { return "done", nil })
}

func TestAContextCarriesTheClientToOpsThatKnowOfNone(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx := weave.ContextWithClient(background, client)
	if weave.ClientFromContext(ctx) != client || weave.ClientFromContext(background) != nil {
		t.Error("the context does not carry its client")
	}
	named(ctx, "traced")
	named(background, "untraced")
	named(weave.ContextWithClient(ctx, nil), "untraced from here on")
	found := calls(t, client)
	if len(found) != 1 || found["traced"] == nil {
		t.Errorf("%v", found)
	}
}

func TestAContextCarriesTheCurrentCallAndItsClient(t *testing.T) {
	client := opened(t, weave.Options{})
	ctx, call, err := client.Start(background, "outer", nil)
	ok(t, err)
	if weave.CallFromContext(ctx) != call || weave.ClientFromContext(ctx) != client || weave.CallFromContext(background) != nil {
		t.Error("the context does not carry its call")
	}
	named(ctx, "inner")
	named(weave.ContextWithClient(ctx, client), "inner with its client again")
	named(weave.ContextWithCall(background, call), "inner of another context")
	ok(t, call.End(nil, nil))
	found := calls(t, client)
	for _, op := range []string{"inner", "inner with its client again", "inner of another context"} {
		same(t, "parent of "+op, found[op]["parent_id"], call.ID())
	}
}

func TestAnotherClientInTheContextBeginsATraceOfItsOwn(t *testing.T) {
	client := opened(t, weave.Options{})
	other := opened(t, weave.Options{})
	ctx, _, err := client.Start(background, "outer", nil)
	ok(t, err)
	named(weave.ContextWithClient(ctx, other), "elsewhere")
	same(t, "parent", calls(t, other)["elsewhere"]["parent_id"], nil)
}

func TestANilClientAndANilCallLeaveAContextAsItIs(t *testing.T) {
	ctx, call, err := weave.ClientFromContext(background).Start(background, "op", nil)
	ok(t, err)
	if ctx != background || call != nil {
		t.Error("something began")
	}
	if weave.ContextWithCall(background, call) != background || weave.ContextWithClient(background, nil) != background {
		t.Error("the context is another one")
	}
	id, err := weave.ClientFromContext(background).LogCall(background, "op", nil, nil)
	ok(t, err)
	same(t, "id", id, "")
}
