package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"

	weave "github.com/libweave/libweave-go"
)

var callVerbs = map[string]verb{
	"log": {3, func(s *session, f []string) ([]string, error) {
		return only(s.client.LogCallJSON(background, f[0], raw(f[1]), raw(f[2])))
	}},
	"batch": {1, func(s *session, f []string) ([]string, error) {
		kept, err := s.client.LogCallsJSON(raw(f[0]))
		return only(strconv.FormatUint(kept, 10), err)
	}},
	"start": {4, func(s *session, f []string) ([]string, error) {
		return s.begin(f[0], f[1], f[2], weave.WithParent(s.calls[f[3]]))
	}},
	"end":  {2, func(s *session, f []string) ([]string, error) { return done(s.calls[f[0]].End(raw(f[1]), nil)) }},
	"fail": {3, (*session).fail},
	"usage": {4, func(s *session, f []string) ([]string, error) {
		usage := weave.Usage{PromptTokens: number(f[2]), CompletionTokens: number(f[3])}
		return done(s.calls[f[0]].AddUsage(f[1], usage))
	}},
	"rename":  {2, func(s *session, f []string) ([]string, error) { return done(s.calls[f[0]].SetDisplayName(f[1])) }},
	"context": {1, func(s *session, f []string) ([]string, error) { return []string{s.calls[f[0]].Carrier()}, nil }},
	"adopt": {3, func(s *session, f []string) ([]string, error) {
		return s.begin(f[0], f[1], "", weave.WithRemoteParent(f[2]))
	}},
	"nest":  {1, (*session).nest},
	"raise": {1, (*session).raise},
	"values": {0, func(s *session, _ []string) ([]string, error) {
		return only(s.client.LogCall(background, "values", values, nil))
	}},
	"threads": {2, (*session).threads},
	"fork":    {1, (*session).fork},
}

func (s *session) begin(name, op, inputs string, options ...weave.CallOption) ([]string, error) {
	_, call, err := s.client.Start(background, op, raw(inputs), options...)
	if err != nil {
		return nil, err
	}
	s.calls[name] = call
	return []string{call.ID()}, nil
}

func (s *session) fail(f []string) ([]string, error) {
	return done(s.calls[f[0]].SetException(weave.Exception{Type: f[1], Message: f[2]}))
}

// traced is the context of ops, and logged what they could not log since.
func (s *session) traced() context.Context {
	s.unlogged = nil
	return weave.ContextWithClient(background, s.client)
}

func (s *session) nest(f []string) (ids []string, err error) {
	if err := nested(s.traced(), 1, int(number(f[0])), &ids); err != nil {
		return nil, err
	}
	return ids, s.unlogged
}

func nested(ctx context.Context, level, depth int, ids *[]string) error {
	if level > depth {
		return nil
	}
	_, err := weave.Op(ctx, fmt.Sprintf("level-%d", level), map[string]int{"level": level},
		func(ctx context.Context) (int, error) {
			*ids = append(*ids, weave.CallFromContext(ctx).ID())
			return level, nested(ctx, level+1, depth, ids)
		})
	return err
}

func (s *session) raise(f []string) ([]string, error) {
	_, err := weave.Op(s.traced(), "outer", nil, func(ctx context.Context) (told string, err error) {
		defer func() {
			if recover() != nil {
				told = "caught"
			}
		}()
		return weave.Op(ctx, "inner", nil, func(context.Context) (string, error) { panic(f[0]) })
	})
	check(err)
	return done(s.unlogged)
}

func (s *session) threads(f []string) ([]string, error) {
	var running sync.WaitGroup
	start, failures := make(chan struct{}), make([]error, number(f[0]))
	for thread := range failures {
		running.Add(1)
		go func() {
			defer running.Done()
			<-start
			for call := range number(f[1]) {
				_, err := s.client.LogCall(background, "thread", map[string]any{"thread": thread, "call": call}, nil)
				if err != nil {
					failures[thread] = err
				}
			}
		}()
	}
	close(start)
	running.Wait()
	failed := slices.IndexFunc(failures, func(err error) bool { return err != nil })
	if failed >= 0 {
		return nil, failures[failed]
	}
	return nil, nil
}

// fork starts another program, since one in Go does not go on after fork(2).
func (s *session) fork(f []string) ([]string, error) {
	child := exec.Command(os.Args[0], append([]string{"child", s.calls[f[0]].Carrier()}, s.opened...)...)
	child.Stderr = os.Stderr
	check(child.Run())
	return nil, nil
}

// logChild is what the other program does.
func logChild(parent string, opened []string) error {
	s := &session{}
	if _, err := s.open(opened); err != nil {
		return err
	}
	if _, err := s.client.LogCall(background, "child", nil, nil, weave.WithRemoteParent(parent)); err != nil {
		return err
	}
	return s.client.Close()
}
