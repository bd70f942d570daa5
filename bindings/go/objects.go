package weave

import "encoding/json"

// CreateOp creates an op from its source text, in any language; the reference, to be used as op of calls.
func (c *Client) CreateOp(name, source string) (string, error) {
	ref, err := c.native.CreateOp(name, source)
	return ref, fault(err)
}

// CreateObject creates a version of an object, any value under a name; its reference, to be used in other values.
func (c *Client) CreateObject(name string, value any) (string, error) {
	text, err := encode("value", value)
	if err != nil {
		return "", err
	}
	ref, err := c.native.CreateObject(name, text)
	return ref, fault(err)
}

// CreateTable creates a table of rows, a slice of JSON objects; its reference.
func (c *Client) CreateTable(rows any) (string, error) {
	text, err := encode("rows", rows)
	if err != nil {
		return "", err
	}
	ref, err := c.native.CreateTable(text)
	return ref, fault(err)
}

// CreateDataset creates a version of a dataset of rows, a slice of JSON objects; its reference. The description may
// be "".
func (c *Client) CreateDataset(name, description string, rows any) (string, error) {
	text, err := encode("rows", rows)
	if err != nil {
		return "", err
	}
	ref, err := c.native.CreateDataset(name, description, text)
	return ref, fault(err)
}

// DatasetRowRef is the reference of one row of a dataset, to be used in the inputs of calls.
func (c *Client) DatasetRowRef(dataset string, row any) (string, error) {
	text, err := encode("row", row)
	if err != nil {
		return "", err
	}
	ref, err := c.native.DatasetRowRef(dataset, text)
	return ref, fault(err)
}

// CreateFile stores a file of 1 byte to 31 MiB; the digest by which values name it. Equal bytes are stored once.
func (c *Client) CreateFile(name string, data []byte) (string, error) {
	digest, err := c.native.CreateFile(name, data)
	return digest, fault(err)
}

// CreateImage stores an image, "png", "jpg" or "webp"; the value that stands for it in inputs, outputs, objects and rows.
func (c *Client) CreateImage(format string, data []byte) (json.RawMessage, error) {
	return value(c.native.CreateImage(format, data))
}

// CreateAudio stores a sound, "wav" or "mp3"; the value that stands for it.
func (c *Client) CreateAudio(format string, data []byte) (json.RawMessage, error) {
	return value(c.native.CreateAudio(format, data))
}

// CreateContent stores any other content, such as "report.pdf" of type "application/pdf"; the value that stands for it.
func (c *Client) CreateContent(filename, mimetype string, data []byte) (json.RawMessage, error) {
	return value(c.native.CreateContent(filename, mimetype, data))
}

func value(text string, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, fault(err)
	}
	return json.RawMessage(text), nil
}
