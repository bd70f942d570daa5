package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	weave "github.com/libweave/libweave-go"
)

var background = context.Background()

// session is what the lines before have opened.
type session struct {
	client   *weave.Client
	opened   []string // the fields of init
	calls    map[string]*weave.Call
	unlogged error // what an op could not log
}

var sessionVerbs = map[string]verb{
	"version": {0, func(*session, []string) ([]string, error) { return []string{weave.Version()}, nil }},
	"init":    {-1, (*session).open},
	"flush":   {0, func(s *session, _ []string) ([]string, error) { return done(s.client.Flush(background)) }},
	"finish":  {0, func(s *session, _ []string) ([]string, error) { return done(s.client.Close()) }},
	"stats":   {0, (*session).stats},
}

func (s *session) open(fields []string) ([]string, error) {
	options := weave.Options{Offline: true, OnError: func(err error) { s.unlogged = err }}
	for _, setting := range fields[1:] {
		name, value, _ := strings.Cut(setting, "=")
		switch name {
		case "offline_dir":
			options.OfflineDir = value
		case "compress":
			options.Uncompressed = value == "false"
		case "max_file_size":
			options.MaxFileSize = number(value)
		case "disabled":
			options.Disabled = value == "true"
		case "source":
			options.Source = value
		case "attributes":
			options.Attributes = raw(value)
		case "redact":
			options.RedactKeys = append(options.RedactKeys, value)
		case "filter":
			options.Filter = dropping(value)
		default:
			check(fmt.Errorf("no such setting: %s", name))
		}
	}
	client, err := weave.Init(fields[0], options)
	if err != nil {
		return nil, err
	}
	s.client, s.opened = client, fields
	return []string{client.Project()}, nil
}

// dropping drops the calls of an op; the end of a call goes with its start.
func dropping(op string) func(*weave.Record) weave.Decision {
	return func(record *weave.Record) weave.Decision {
		var call struct {
			OpName string `json:"op_name"`
			Start  struct {
				OpName string `json:"op_name"`
			} `json:"start"`
		}
		check(json.Unmarshal(record.JSON(), &call))
		if call.OpName == op || call.Start.OpName == op {
			return weave.Drop
		}
		return weave.Keep
	}
}

func (s *session) stats([]string) ([]string, error) {
	stats, err := s.client.Stats()
	if err != nil {
		return nil, err
	}
	told := struct {
		weave.ClientStats
		LastError *string `json:"last_error"`
	}{ClientStats: stats}
	if stats.LastError != "" {
		told.LastError = &stats.LastError
	}
	return []string{jsonText(told)}, nil
}
