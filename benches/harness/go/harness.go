// Package harness is what a measuring program in Go is asked to do, "PROGRAM LOAD DIR SCHEDULE THREADS COUNT", and the
// doing of it. Schedules and the answer are those of benches/suite/plan.rs.
package harness

import (
	"encoding/binary"
	"encoding/json"
	"log"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Call is one call to log.
type Call struct {
	Op             string
	Inputs, Output json.RawMessage
}

// Design is what is measured. Open prepares it; Drain brings everything to where it keeps it.
type Design struct {
	Open         func(dir string) error
	Log          func(call *Call) error
	Drain, Close func() error
}

type plan struct {
	calls                []Call
	kind                 string
	nanos, batch         int64
	threads, each, count int
	log                  func(*Call) error
}

// Main does what the arguments say.
func Main(design Design) {
	if len(os.Args) != 6 {
		log.Fatal("LOAD DIR SCHEDULE THREADS COUNT")
	}
	p := plan{calls: load(os.Args[1]), threads: number(os.Args[4]), count: number(os.Args[5]), log: design.Log}
	schedule := strings.Split(os.Args[3], ":")
	p.kind = schedule[0]
	switch p.kind {
	case "every":
		p.nanos = int64(number(schedule[1]))
	case "batches":
		p.batch, p.nanos = int64(number(schedule[1])), int64(number(schedule[2]))
	case "back", "burst":
	default:
		log.Fatal("no schedule: ", os.Args[3])
	}
	p.each = p.count / p.threads
	check(design.Open(os.Args[2]))

	samples := make([][]int64, p.threads)
	cpus := make([]float64, p.threads)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(p.threads)
	for thread := range p.threads {
		done.Add(1)
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			if p.kind != "batches" {
				samples[thread] = make([]int64, p.each)
				for i := range samples[thread] { // no page of it is faulted in while calls are timed
					samples[thread][i] = 1
				}
			}
			first := len(p.calls) / p.threads * thread
			ready.Done()
			<-start
			if p.kind == "batches" {
				cpus[thread] = p.batches(first)
			} else {
				cpus[thread] = p.timed(first, samples[thread])
			}
		}()
	}
	ready.Wait()
	close(start)
	began := time.Now()
	done.Wait()
	logged := time.Since(began)
	if p.kind == "burst" { // what was accepted is accepted
		check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	}
	check(design.Drain())
	drained := time.Since(began)
	answer(slices.Concat(samples...), cpus, logged, drained, p.each*p.threads)
	check(design.Close())
}

// timed takes the time of each call; it returns the thread's processor time per call when it did nothing else.
func (p *plan) timed(first int, samples []int64) float64 {
	due, cpu := time.Now(), threadCPU()
	for i := range samples {
		if p.kind == "every" {
			due = due.Add(time.Duration(p.nanos))
			for time.Now().Before(due) {
			}
		}
		call := &p.calls[(first+i)%len(p.calls)]
		began := time.Now()
		err := p.log(call)
		samples[i] = int64(time.Since(began))
		check(err)
	}
	if p.kind == "every" {
		return -1
	}
	return float64(threadCPU()-cpu) / float64(len(samples))
}

// batches returns the thread's processor time per call. No call is timed: reading clocks would be a part of the figure.
func (p *plan) batches(next int) float64 {
	due, spent := time.Now(), int64(0)
	for done := 0; done < p.each; {
		cpu := threadCPU()
		for i := int64(0); i < p.batch && done < p.each; i++ {
			check(p.log(&p.calls[next%len(p.calls)]))
			next++
			done++
		}
		spent += threadCPU() - cpu
		due = due.Add(time.Duration(p.nanos))
		time.Sleep(time.Until(due))
	}
	return float64(spent) / float64(p.each)
}

func threadCPU() int64 {
	const clockThreadCPUTimeID = 3
	var time syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTimeID, uintptr(unsafe.Pointer(&time)), 0)
	return time.Nano()
}

func answer(samples []int64, cpus []float64, logged, drained time.Duration, count int) {
	figures := map[string]any{"p50": nil, "p99": nil, "p999": nil, "max": nil, "mean": nil, "cpu": nil,
		"logged": logged.Seconds(), "drained": drained.Seconds(), "count": count}
	if len(samples) > 0 {
		slices.Sort(samples)
		sum := 0.0
		for _, sample := range samples {
			sum += float64(sample)
		}
		figures["mean"] = sum / float64(len(samples))
		for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1} {
			figures[name] = samples[int(float64(len(samples)-1)*share)]
		}
	}
	if cpus[0] >= 0 {
		sum := 0.0
		for _, cpu := range cpus {
			sum += cpu
		}
		figures["cpu"] = sum / float64(len(cpus))
	}
	check(json.NewEncoder(os.Stdout).Encode(figures))
}

// load reads the binary form of gen_calls.py.
func load(path string) []Call {
	bytes, err := os.ReadFile(path)
	check(err)
	var calls []Call
	for len(bytes) > 0 {
		lengths := [3]uint32{}
		for i := range lengths {
			lengths[i] = binary.LittleEndian.Uint32(bytes[4*i:])
		}
		bytes = bytes[24:]
		var texts [3][]byte
		for i, length := range lengths {
			texts[i], bytes = bytes[:length:length], bytes[length:]
		}
		// The op lies beside the others, as it does in C: apart from them, it would be another wait for memory.
		op := unsafe.String(unsafe.SliceData(texts[0]), len(texts[0]))
		calls = append(calls, Call{Op: op, Inputs: texts[1], Output: texts[2]})
	}
	return calls
}

func number(text string) int {
	number, err := strconv.Atoi(text)
	check(err)
	return number
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
