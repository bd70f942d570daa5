package capi

// #include "shim.h"
import "C"

import "runtime"

// CreateOp creates an op; its reference.
func (c *Client) CreateOp(name, source string) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	n := in.text("name", name)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes([]byte(source))
	return settleText(C.wg_op_create(c.c, n, text, length))
}

// CreateObject creates a version of an object; its reference.
func (c *Client) CreateObject(name string, value []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	n := in.text("name", name)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(value)
	return settleText(C.wg_object_create(c.c, n, text, length))
}

// CreateTable creates a table; its reference.
func (c *Client) CreateTable(rows []byte) (string, error) {
	defer runtime.KeepAlive(c)
	text, length := bytes(rows)
	return settleText(C.wg_table_create(c.c, text, length))
}

// CreateDataset creates a version of a dataset; its reference.
func (c *Client) CreateDataset(name, description string, rows []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	n, d := in.text("name", name), in.optional("description", description)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(rows)
	return settleText(C.wg_dataset_create(c.c, n, d, text, length))
}

// DatasetRowRef is the reference of a dataset's row.
func (c *Client) DatasetRowRef(dataset string, row []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	d := in.text("dataset", dataset)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(row)
	return settleText(C.wg_dataset_row_ref(c.c, d, text, length))
}

// CreateFile stores a file; its digest.
func (c *Client) CreateFile(name string, data []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	n := in.text("name", name)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(data)
	return settleText(C.wg_file_create(c.c, n, text, length))
}

// CreateImage stores an image; the JSON that stands for it.
func (c *Client) CreateImage(format string, data []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	f := in.text("format", format)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(data)
	return settleText(C.wg_image_create(c.c, f, text, length))
}

// CreateAudio stores a sound; the JSON that stands for it.
func (c *Client) CreateAudio(format string, data []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	f := in.text("format", format)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(data)
	return settleText(C.wg_audio_create(c.c, f, text, length))
}

// CreateContent stores any other content; the JSON that stands for it.
func (c *Client) CreateContent(filename, mimetype string, data []byte) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	f, m := in.text("filename", filename), in.text("mimetype", mimetype)
	if in.err != nil {
		return "", in.err
	}
	text, length := bytes(data)
	return settleText(C.wg_content_create(c.c, f, m, text, length))
}

// CreateFeedback gives feedback; its id.
func (c *Client) CreateFeedback(target, kind string, payload, refs []byte, creator string) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	t, k, by := in.text("target", target), in.text("feedback_type", kind), in.optional("creator", creator)
	if in.err != nil {
		return "", in.err
	}
	payloadText, payloadLength := bytes(payload)
	refsText, refsLength := bytes(refs)
	id, room := newID()
	return settleID(C.wg_feedback_create(c.c, t, k, payloadText, payloadLength, refsText, refsLength, by, room), id)
}

// AddReaction adds an emoji; the feedback's id.
func (c *Client) AddReaction(target, emoji string) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	t, e := in.text("target", target), in.text("emoji", emoji)
	if in.err != nil {
		return "", in.err
	}
	id, room := newID()
	return settleID(C.wg_feedback_add_reaction(c.c, t, e, room), id)
}

// AddNote adds a note; the feedback's id.
func (c *Client) AddNote(target, note string) (string, error) {
	defer runtime.KeepAlive(c)
	var in texts
	t, n := in.text("target", target), in.text("note", note)
	if in.err != nil {
		return "", in.err
	}
	id, room := newID()
	return settleID(C.wg_feedback_add_note(c.c, t, n, room), id)
}

// CreateCost sets the prices of a model.
func (c *Client) CreateCost(model string, prompt, completion float64, options []byte) error {
	defer runtime.KeepAlive(c)
	var in texts
	m := in.text("model", model)
	if in.err != nil {
		return in.err
	}
	text, length := bytes(options)
	return settle(C.wg_cost_create(c.c, m, C.double(prompt), C.double(completion), text, length))
}
