// Command writer is the writer of writer.c, from Go: the same arguments, the same work, the same answers.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	weave "github.com/libweave/libweave-go"
)

var (
	client  *weave.Client
	project string
	pool    string
	nobody  = context.Background()
)

type worker struct {
	*rand.Rand
	seed, number, objects int
	open                  [8]*weave.Call
	last                  string
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string) int { return must(strconv.Atoi(text)) }

func tell(format string, values ...any) { must(fmt.Fprintf(os.Stdout, format, values...)) }

func (w *worker) value() map[string]any {
	length := 50 + w.Intn(450)
	if kind := w.Intn(100); kind >= 94 {
		length = 8000 + w.Intn(92000)
	} else if kind >= 70 {
		length = 1000 + w.Intn(7000)
	}
	at := w.Intn(len(pool) - length)
	return map[string]any{"at": at, "length": length, "text": pool[at : at+length]}
}

func (w *worker) logFinished() {
	w.last = must(client.LogCall(nobody, "finished", w.value(), 1))
	tell("c %s\n", w.last)
}

func (w *worker) startOrEnd() {
	place := &w.open[w.Intn(len(w.open))]
	if *place == nil {
		_, call, err := client.Start(nobody, "live", w.value())
		check(err)
		*place = call
		tell("s %s\n", call.ID())
		return
	}
	check((*place).End(w.value(), nil))
	tell("e %s\n", (*place).ID())
	*place = nil
}

func (w *worker) giveFeedback() {
	if w.last == "" {
		return
	}
	feedback := weave.Feedback{Type: "custom", Payload: w.value()}
	tell("f %s\n", must(client.CreateFeedback("weave:///"+project+"/call/"+w.last, feedback)))
}

func (w *worker) createObject() {
	name := fmt.Sprintf("o%x-%d-%d", w.seed, w.number, w.objects)
	w.objects++
	must(client.CreateObject(name, w.value()))
	tell("o %s\n", name)
}

func (w *worker) logBatch() {
	calls := make([]weave.FinishedCall, 10)
	told := strings.Builder{}
	for i := range calls {
		id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", w.Uint32(), w.Intn(1<<16), w.Intn(1<<12), w.Intn(1<<12),
			w.Int63n(1<<48))
		calls[i] = weave.FinishedCall{Op: "batch", ID: id, Inputs: w.value()}
		fmt.Fprintf(&told, "c %s\n", id)
	}
	must(client.LogCalls(calls))
	tell("%s", told.String())
}

func (w *worker) work(bursts int) {
	for range bursts {
		records := 1 + w.Intn(10)
		if w.Intn(5) == 0 {
			records = 50 + w.Intn(250)
		}
		for range records {
			switch kind := w.Intn(100); {
			case kind < 55:
				w.logFinished()
			case kind < 87:
				w.startOrEnd()
			case kind < 93:
				w.giveFeedback()
			case kind < 97:
				w.createObject()
			default:
				w.logBatch()
			}
		}
		if w.number == 0 && w.Intn(3) == 0 {
			check(client.Flush(nobody))
		}
		time.Sleep(time.Duration(w.Intn(int(20 * time.Millisecond))))
	}
}

func main() {
	project, pool = os.Args[1], string(must(os.ReadFile(os.Args[2])))
	seed, threads, bursts := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	client = must(weave.Init(project, weave.Options{}))
	var running sync.WaitGroup
	for i := range threads {
		w := &worker{Rand: rand.New(rand.NewSource(int64(seed + i))), seed: seed, number: i}
		running.Add(1)
		go func() {
			defer running.Done()
			w.work(bursts)
		}()
	}
	running.Wait()
	if os.Args[6] == "1" {
		tell("F\n")
		check(client.Close())
		tell("G\n")
	}
	// The rest is the next start's.
}
