package weave

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encode makes JSON of a value; nothing of nil.
func encode(field string, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return value, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, &Error{
			Status: StatusInvalidJSON,
			Text:   fmt.Sprintf("%s: %v; give a value that encoding/json can write, or a json.RawMessage", field, err),
			cause:  err,
		}
	}
	return text.Bytes(), nil
}
