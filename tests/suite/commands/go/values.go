package main

import (
	"math"
	"strings"

	weave "github.com/libweave/libweave-go"
)

// values are the inputs of the line of that name.
var values = map[string]any{
	"empty":          map[string]any{"text": "", "list": []any{}, "object": map[string]any{}},
	"none":           nil,
	"yes":            true,
	"no":             false,
	"text":           "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f",
	"nul":            "a\x00b",
	"nan":            weave.Float(math.NaN()),
	"infinite":       weave.Float(math.Inf(-1)),
	"beyond_doubles": int64(9007199254740993),
	"largest":        int64(math.MaxInt64),
	"smallest":       int64(math.MinInt64),
	"unsigned":       uint64(math.MaxUint64),
	"half":           0.5,
	"least":          math.SmallestNonzeroFloat64,
	"keys":           map[string]int{"": 1, "with space": 2, "ключ": 3},
	"deep":           within(100, "bottom"),
	"long":           strings.Repeat("x", 1_000_000),
}

// within is a value in so many lists.
func within(lists int, value any) any {
	for range lists {
		value = []any{value}
	}
	return value
}
