package main

import weave "github.com/libweave/libweave-go"

var objectVerbs = map[string]verb{
	"op":     {2, func(s *session, f []string) ([]string, error) { return only(s.client.CreateOp(f[0], f[1])) }},
	"object": {2, func(s *session, f []string) ([]string, error) { return only(s.client.CreateObject(f[0], raw(f[1]))) }},
	"table":  {1, func(s *session, f []string) ([]string, error) { return only(s.client.CreateTable(raw(f[0]))) }},
	"dataset": {2, func(s *session, f []string) ([]string, error) {
		return only(s.client.CreateDataset(f[0], "", raw(f[1])))
	}},
	"row":  {2, func(s *session, f []string) ([]string, error) { return only(s.client.DatasetRowRef(f[0], raw(f[1]))) }},
	"file": {2, func(s *session, f []string) ([]string, error) { return only(s.client.CreateFile(f[0], []byte(f[1]))) }},
	"image": {2, func(s *session, f []string) ([]string, error) {
		value, err := s.client.CreateImage(f[0], []byte(f[1]))
		return only(string(value), err)
	}},
	"audio": {2, func(s *session, f []string) ([]string, error) {
		value, err := s.client.CreateAudio(f[0], []byte(f[1]))
		return only(string(value), err)
	}},
	"content": {3, func(s *session, f []string) ([]string, error) {
		value, err := s.client.CreateContent(f[0], f[1], []byte(f[2]))
		return only(string(value), err)
	}},
	"note":     {2, func(s *session, f []string) ([]string, error) { return only(s.client.AddNote(f[0], f[1])) }},
	"reaction": {2, func(s *session, f []string) ([]string, error) { return only(s.client.AddReaction(f[0], f[1])) }},
	"feedback": {3, func(s *session, f []string) ([]string, error) {
		return only(s.client.CreateFeedback(f[0], weave.Feedback{Type: f[1], Payload: raw(f[2])}))
	}},
	"cost": {3, func(s *session, f []string) ([]string, error) {
		cost := weave.Cost{PromptToken: decimal(f[1]), CompletionToken: decimal(f[2])}
		return done(s.client.CreateCost(f[0], cost))
	}},
}
