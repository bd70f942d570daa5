// Command agent logs a small session of a support agent: agent OFFLINE_DIR PROJECT
//
// It logs offline, prints the id of the root call and ends with 0; an error goes to stderr and ends it with 1.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	weave "github.com/libweave/libweave-go"
)

const (
	model    = "gpt-4o-mini"
	order    = 9007199254740993
	question = "Where is order 9007199254740993?"
	answer   = "Your order is in Köln. 📦"
	prompt   = "You are a support agent. Be brief."
	source   = `def lookup_order(order_id, config):
    return ORDERS[order_id]  # späte Lieferung: siehe Köln
`
	// Not all of this is JSON as encoding/json knows it; the library repairs it.
	odd = `{"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],
 "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",
 "empty": {"object": {}, "list": [], "text": ""}}`
)

type object = map[string]any

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type document struct {
	ID    string  `json:"id"`
	Score float64 `json:"score"`
	Text  string  `json:"text"`
}

type row struct {
	Question string  `json:"question"`
	Expected *string `json:"expected"`
	Weight   float64 `json:"weight"`
}

type choice struct {
	Message message `json:"message"`
}

type completion struct {
	Model   string      `json:"model"`
	Choices []choice    `json:"choices"`
	Usage   weave.Usage `json:"usage"`
}

var (
	system   = message{"system", prompt}
	user     = message{"user", question}
	decision = message{"assistant", "I look it up. 🔎"}
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: agent OFFLINE_DIR PROJECT")
		os.Exit(1)
	}
	root, err := logSession(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
	fmt.Println(root)
}

// published is what calls refer to.
type published struct {
	lookupOrder, config, firstRow string
	label                         json.RawMessage
}

func logSession(ctx context.Context, offlineDir, project string) (root string, err error) {
	client, err := weave.Init(project, weave.Options{Offline: true, OfflineDir: offlineDir})
	if err != nil {
		return "", err
	}
	defer func() {
		if closed := client.Close(); err == nil {
			err = closed
		}
	}()
	known, err := publish(client)
	if err != nil {
		return "", err
	}
	if _, err = client.LogCall(ctx, "warm_up", object{"ready": true}, "ok"); err != nil {
		return "", err
	}
	if _, _, err = client.Start(ctx, "watch", object{"queue": "support"}); err != nil { // it never ends
		return "", err
	}
	ctx, agent, err := client.Start(ctx, "agent", object{"question": question},
		weave.WithKind("agent"), weave.WithAttributes(object{"env": "demo"}), weave.WithThread("session-42"))
	if err != nil {
		return "", err
	}
	if err = work(ctx, known); err != nil {
		return "", err
	}
	if err = agent.End(object{"answer": answer}, nil); err != nil {
		return "", err
	}
	return agent.ID(), review(client, agent.ID())
}

func publish(client *weave.Client) (known published, err error) {
	if known.lookupOrder, err = client.CreateOp("lookup_order", source); err != nil {
		return known, err
	}
	known.config, err = client.CreateObject("agent-config", object{
		"prompt": prompt, "temperature": 0.2, "tools": []string{"lookup_order", "track_parcel"}})
	if err != nil {
		return known, err
	}
	inKoeln, within30Days := "in Köln", "within 30 days"
	rows := []row{
		{question, &inKoeln, 1}, {"Can I return it?", &within30Days, 0.5}, {"返品できますか?", nil, 2}}
	orders, err := client.CreateDataset("orders", "", rows)
	if err != nil {
		return known, err
	}
	if known.firstRow, err = client.DatasetRowRef(orders, rows[0]); err != nil {
		return known, err
	}
	if known.label, err = client.CreateImage("png", label); err != nil {
		return known, err
	}
	return known, client.CreateCost(model, weave.Cost{PromptToken: 0.00000015, CompletionToken: 0.0000006})
}

// work makes the calls of the agent, whose call the context carries.
func work(ctx context.Context, known published) error {
	documents := []document{{"faq-12", 0.83, "Parcels are tracked by the carrier."},
		{"faq-7", 0.61, "Überweisungen dauern zwei Tage."}}
	timeout := &weave.Exception{Type: "TimeoutError", Message: "the carrier did not answer"}
	return first(
		call(ctx, "retrieve", object{"query": question, "k": 2}, documents, nil),
		call(ctx, "chat", object{"model": model, "messages": []message{system, user}},
			completion{model, []choice{{decision}}, weave.Usage{PromptTokens: 120, CompletionTokens: 30, TotalTokens: 150}},
			nil, weave.WithKind("llm")),
		call(ctx, known.lookupOrder, object{"order_id": order, "config": known.config}, object{"city": "Köln"}, nil,
			weave.WithKind("tool")),
		call(ctx, "track_parcel", object{"parcel": "00340434161094042557"}, nil, timeout,
			weave.WithKind("tool"), weave.WithThread("carrier-7")),
		call(ctx, "read_label", object{"label": known.label}, object{"text": "II I"}, nil),
		call(ctx, "check_row", object{"row": known.firstRow}, object{"match": true}, nil),
		call(ctx, "echo", json.RawMessage(odd), nil, nil),
		call(ctx, "chat", object{"model": model, "messages": []message{system, user, decision}},
			completion{model, []choice{{message{"assistant", answer}}},
				weave.Usage{PromptTokens: 200, CompletionTokens: 50, TotalTokens: 250}},
			nil, weave.WithKind("llm")),
	)
}

// call is one step of the agent that ends as told.
func call(ctx context.Context, op string, inputs, output any, failed error, options ...weave.CallOption) error {
	_, step, err := weave.ClientFromContext(ctx).Start(ctx, op, inputs, options...)
	if err != nil {
		return err
	}
	return step.End(output, failed)
}

func review(client *weave.Client, call string) error {
	_, reaction := client.AddReaction(call, "👍")
	_, note := client.AddNote(call, "Right answer, slow carrier.")
	_, quality := client.CreateFeedback(call, weave.Feedback{Type: "quality", Payload: object{"score": 0.9}})
	return first(client.UpdateCall(call, "Parcel question 📦"), reaction, note, quality)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// label is a picture of 8 by 8 pixels.
var label = []byte{
	0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
	0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x4b, 0x6d, 0x29,
	0xdc, 0x00, 0x00, 0x00, 0x26, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xfc, 0xf5, 0xe1, 0x04,
	0x03, 0x36, 0xc0, 0xc4, 0xc0, 0xc0, 0x20, 0xa5, 0xe2, 0x23, 0xa5, 0xe2, 0x03, 0xe1, 0xc3, 0x19,
	0x4c, 0x0c, 0x38, 0x00, 0x3d, 0x24, 0x18, 0x71, 0x39, 0x17, 0x00, 0x65, 0x6a, 0x07, 0x11, 0x84,
	0x7a, 0xbf, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
}
