// Command command is the one of ../README.md from Go. This file owns the lines; what they do is in the others, by verb.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	weave "github.com/libweave/libweave-go"
)

// verb is what a line asks for: the number of its fields, negative for that many or more, and the doing of it.
type verb struct {
	fields int
	do     func(s *session, fields []string) (answer []string, err error)
}

var verbs = map[string]verb{}

func register(more map[string]verb) {
	for name, verb := range more {
		verbs[name] = verb
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		check(logChild(os.Args[2], os.Args[3:]))
		return
	}
	register(sessionVerbs)
	register(callVerbs)
	register(objectVerbs)
	register(directoryVerbs)
	s := &session{calls: map[string]*weave.Call{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if line == "" && err != nil {
			return
		}
		fmt.Println(strings.Join(s.answer(strings.TrimSuffix(line, "\n")), "\t"))
	}
}

// answer does what a line asks for.
func (s *session) answer(line string) []string {
	fields := strings.Split(line, "\t")
	for i, field := range fields {
		fields[i] = decoded(field)
	}
	asked, known := verbs[fields[0]]
	fields = fields[1:]
	if !known || len(fields) < max(asked.fields, -asked.fields) || asked.fields >= 0 && len(fields) > asked.fields {
		check(fmt.Errorf("no such line: %s", line))
	}
	answer, err := asked.do(s, fields)
	for i, field := range answer {
		answer[i] = encoded(field)
	}
	if err == nil {
		return append([]string{"ok"}, answer...)
	}
	var failure *weave.Error
	if !errors.As(err, &failure) {
		check(err)
	}
	return append([]string{"error", strconv.Itoa(int(failure.Status)), encoded(err.Error())}, answer...)
}

// decoded is a field with its %XX as bytes.
func decoded(field string) string {
	var text strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] != '%' {
			text.WriteByte(field[i])
			continue
		}
		code, err := strconv.ParseUint(field[i+1:min(i+3, len(field))], 16, 8)
		check(err)
		text.WriteByte(byte(code))
		i += 2
	}
	return text.String()
}

// encoded is a text as a field.
func encoded(text string) string {
	var field strings.Builder
	for text != "" {
		char, size := utf8.DecodeRuneInString(text)
		if char == utf8.RuneError && size == 1 || slices.Contains([]rune("%\t\n\r\x00"), char) {
			fmt.Fprintf(&field, "%%%02X", text[0])
		} else {
			field.WriteString(text[:size])
		}
		text = text[size:]
	}
	return field.String()
}

// raw is a field of JSON; an empty one is not given.
func raw(field string) json.RawMessage { return json.RawMessage(field) }

func number(field string) int64 {
	value, err := strconv.ParseInt(field, 10, 64)
	check(err)
	return value
}

func decimal(field string) float64 {
	value, err := strconv.ParseFloat(field, 64)
	check(err)
	return value
}

func jsonText(value any) string {
	text, err := json.Marshal(value)
	check(err)
	return string(text)
}

// only is an answer of one field.
func only(field string, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{field}, nil
}

// done is an answer without fields.
func done(err error) ([]string, error) { return nil, err }

// check ends the program for what is no answer.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
