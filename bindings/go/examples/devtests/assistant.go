// Package devtests shows a program whose tests look into its traces, without any account: assistant_test.go logs offline
// into a directory of the test, and reads there which calls were made and what they used.
package devtests

import (
	"context"
	"fmt"
	"strings"

	weave "github.com/libweave/libweave-go"
)

// Model is what answers a prompt; tests bring one of their own.
type Model func(ctx context.Context, prompt string) (reply string, usage weave.Usage, err error)

// Assistant answers questions from what it finds in its documents.
type Assistant struct {
	Documents map[string]string
	Model     Model
}

// Answer is traced where the context has a client, and runs as it is where it has none.
func (a *Assistant) Answer(ctx context.Context, question string) (string, error) {
	return weave.Op(ctx, "answer", map[string]any{"question": question}, func(ctx context.Context) (string, error) {
		found, err := a.retrieve(ctx, question)
		if err != nil {
			return "", err
		}
		return a.chat(ctx, fmt.Sprintf("%s\n\n%s", strings.Join(found, "\n"), question))
	})
}

func (a *Assistant) retrieve(ctx context.Context, question string) ([]string, error) {
	return weave.Op(ctx, "retrieve", map[string]any{"question": question}, func(context.Context) ([]string, error) {
		var found []string
		for word, text := range a.Documents {
			if strings.Contains(strings.ToLower(question), word) {
				found = append(found, text)
			}
		}
		if found == nil {
			return nil, fmt.Errorf("no document is about %q", question)
		}
		return found, nil
	}, weave.WithKind("tool"))
}

func (a *Assistant) chat(ctx context.Context, prompt string) (string, error) {
	return weave.Op(ctx, "chat", map[string]any{"prompt": prompt}, func(ctx context.Context) (string, error) {
		reply, usage, err := a.Model(ctx, prompt)
		if err == nil {
			err = weave.CallFromContext(ctx).AddUsage("local-model", usage)
		}
		return reply, err
	}, weave.WithKind("llm"))
}
