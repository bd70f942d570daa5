package weave

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Float is a number that may be NaN or infinite. Of these encoding/json makes an error and Float null, as the library
// does of what is passed as [json.RawMessage].
type Float float64

// MarshalJSON writes the number as encoding/json does.
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// encode makes JSON of a value; nothing of nil.
func encode(field string, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return value, nil
	}
	return marshal(field, value)
}

// encodeObject is encode for what is an object of JSON; a nil map or pointer is nothing too.
func encodeObject(field string, value any) ([]byte, error) {
	text, err := encode(field, value)
	if string(bytes.TrimSpace(text)) == "null" {
		return nil, err
	}
	return text, err
}

func marshal(field string, value any) (text []byte, err error) {
	defer func() {
		if raised := recover(); raised != nil {
			text, err = nil, unfit(field, fmt.Errorf("encoding/json panicked: %v", raised))
		}
	}()
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, unfit(field, err)
	}
	return written.Bytes(), nil
}

// unfit is the error of a value that has no JSON form.
func unfit(field string, cause error) error {
	return &Error{
		Status: StatusInvalidJSON,
		Text:   fmt.Sprintf("%s: %v; give a value that encoding/json can write, or a json.RawMessage", field, cause),
		cause:  cause,
	}
}
