package weave_test

import (
	"os"
	"strings"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

func TestWhatIsPublishedCanBeReferredToAtOnce(t *testing.T) {
	client := opened(t, weave.Options{})
	op, err := client.CreateOp("double", "func double(n int) int { return 2 * n }")
	ok(t, err)
	config, err := client.CreateObject("config", object{"temperature": 0.2})
	ok(t, err)
	table, err := client.CreateTable([]object{{"a": 1}})
	ok(t, err)
	rows := []object{{"question": "?"}, {"question": "!"}}
	dataset, err := client.CreateDataset("questions", "two of them", rows)
	ok(t, err)
	row, err := client.DatasetRowRef(dataset, rows[1])
	ok(t, err)
	_, err = client.LogCall(background, op, object{"config": config, "row": row}, nil)
	ok(t, err)
	for ref, want := range map[string]string{op: "/op/double:", config: "/object/config:", dataset: "/object/questions:",
		row: strings.TrimPrefix(dataset, "weave:///team/demo") + "/attr/rows/id/", table: "/table/"} {
		if !strings.HasPrefix(ref, "weave:///team/demo"+want) {
			t.Errorf("%s is no reference of %s", ref, want)
		}
	}
	records := stored(t, client)
	same(t, "inputs", whole(records)[0]["inputs"], object{"config": config, "row": row})
	same(t, "op", whole(records)[0]["op_name"], op)
	for kind, count := range map[string]int{"op_create": 1, "obj_create": 2, "table_create": 2} {
		same(t, kind, len(of(records, kind)), count)
	}
}

func TestMediaBecomeValues(t *testing.T) {
	client := opened(t, weave.Options{})
	png, err := os.ReadFile("../../tests/suite/data/label.png")
	ok(t, err)
	image, err := client.CreateImage("png", png)
	ok(t, err)
	sound, err := client.CreateAudio("mp3", []byte("ID3"))
	ok(t, err)
	report, err := client.CreateContent("report.pdf", "application/pdf", []byte("%PDF-1.4"))
	ok(t, err)
	// A slice of a larger object that holds pointers: cgo must not look at its neighbours.
	mixed := struct {
		name *string
		data [4]byte
	}{new(string), [4]byte{1, 2, 3, 4}}
	digest, err := client.CreateFile("raw.bin", mixed.data[1:3])
	ok(t, err)
	same(t, "digest length", len(digest), 43)
	_, err = client.LogCall(background, "op", object{"image": image, "sound": sound, "report": report}, nil)
	ok(t, err)
	_, err = client.CreateImage("gif", png)
	refused(t, err, weave.StatusInvalidArgument, "gif")
	_, err = client.CreateFile("empty", nil)
	refused(t, err, weave.StatusRejected)
	call := calls(t, client)["op"]
	for _, name := range []string{"image", "sound", "report"} {
		same(t, name, path(call, "inputs", name, "_type"), "CustomWeaveType")
	}
}

func TestFeedbackIsKeptByKind(t *testing.T) {
	client := opened(t, weave.Options{})
	call, err := client.LogCall(background, "op", nil, nil)
	ok(t, err)
	reaction, err := client.AddReaction(call, "👍")
	ok(t, err)
	note, err := client.AddNote(call, "well done")
	ok(t, err)
	annotation, err := client.CreateObject("quality", object{"x": 1})
	ok(t, err)
	score, err := client.CreateFeedback(call, weave.Feedback{Type: "wandb.annotation.quality", Payload: object{"value": 0.9},
		AnnotationRef: annotation, Creator: "a judge"})
	ok(t, err)
	_, err = client.AddReaction(call, "no emoji")
	refused(t, err, weave.StatusRejected)
	_, err = client.CreateFeedback(call, weave.Feedback{Type: "wandb.annotation.quality", Payload: object{"value": 1}})
	refused(t, err, weave.StatusRejected, "annotation_ref")
	given := map[any]object{}
	for _, feedback := range of(stored(t, client), "feedback_create") {
		given[feedback["id"]] = feedback
	}
	same(t, "count", len(given), 3)
	same(t, "reaction", given[reaction]["payload"], object{"emoji": "👍"})
	same(t, "note", given[note]["payload"], object{"note": "well done"})
	same(t, "annotation", []any{given[score]["annotation_ref"], given[score]["creator"]}, []string{annotation, "a judge"})
}

func TestCostsAreKept(t *testing.T) {
	client := opened(t, weave.Options{})
	ok(t, client.CreateCost("m", weave.Cost{PromptToken: 0.5, CompletionToken: 1.5, PromptUnit: "EUR",
		EffectiveDate: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)}))
	refused(t, client.CreateCost("m", weave.Cost{PromptToken: -1}), weave.StatusInvalidArgument)
	cost := path(of(stored(t, client), "cost_create")[0], "costs", "m")
	same(t, "prices", []any{path(cost, "prompt_token_cost"), path(cost, "completion_token_cost"),
		path(cost, "prompt_token_cost_unit")}, []any{0.5, 1.5, "EUR"})
}
