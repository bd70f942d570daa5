package devtests

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	weave "github.com/libweave/libweave-go"
)

var documents = map[string]string{"parcel": "Parcels take two days.", "refund": "Refunds take a week."}

// short is a model that answers with the first line of its prompt.
func short(_ context.Context, prompt string) (string, weave.Usage, error) {
	line, _, _ := strings.Cut(prompt, "\n")
	used := int64(len(strings.Fields(prompt)))
	return line, weave.Usage{PromptTokens: used, CompletionTokens: 4}, nil
}

func broken(context.Context, string) (string, weave.Usage, error) {
	return "", weave.Usage{}, errors.New("the model is not loaded")
}

// answered asks an assistant, and tells the calls that it made.
func answered(t *testing.T, model Model, question string) (string, []loggedCall, error) {
	t.Helper()
	dir := t.TempDir()
	client, err := weave.Init("assistant-tests", weave.Options{Offline: true, OfflineDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	assistant := &Assistant{documents, model}
	reply, failed := assistant.Answer(weave.ContextWithClient(context.Background(), client), question)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	return reply, logged(t, dir), failed
}

func TestAnAnswerComesFromWhatWasFound(t *testing.T) {
	reply, calls, err := answered(t, short, "Where is my parcel?")
	if err != nil || reply != documents["parcel"] {
		t.Fatalf("%q, %v", reply, err)
	}
	if made := names(calls); !slices.Equal(made, []string{"answer", "chat", "retrieve"}) {
		t.Errorf("it made the calls %v", made)
	}
}

func TestAnAnswerCostsOneCallOfTheModelAndFewTokens(t *testing.T) {
	_, calls, _ := answered(t, short, "Where is my parcel?")
	usage := called(t, calls, "answer").Summary.Usage["local-model"]
	if usage.Requests != 1 || usage.PromptTokens > 20 {
		t.Errorf("it used %+v", usage)
	}
}

func TestTheModelIsNotAskedWhenNothingWasFound(t *testing.T) {
	_, calls, err := answered(t, short, "What is love?")
	if err == nil || slices.Contains(names(calls), "chat") {
		t.Errorf("%v; it made the calls %v", err, names(calls))
	}
}

func TestAFailureOfTheModelIsSeenWhereItWas(t *testing.T) {
	_, calls, err := answered(t, broken, "Where is my refund?")
	if err == nil || !strings.Contains(called(t, calls, "chat").Exception, "the model is not loaded") {
		t.Errorf("%v; %+v", err, calls)
	}
}

func TestItWorksWithoutTraces(t *testing.T) {
	reply, err := (&Assistant{documents, short}).Answer(context.Background(), "Where is my parcel?")
	if err != nil || reply != documents["parcel"] {
		t.Errorf("%q, %v", reply, err)
	}
}
