package weave_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"weak"

	weave "github.com/libweave/libweave-go"
)

func TestAClosedClientTakesNothingMore(t *testing.T) {
	client := opened(t, weave.Options{})
	_, call, err := client.Start(background, "open", nil)
	ok(t, err)
	ok(t, client.Close())
	ok(t, client.Close())
	ok(t, client.Finish(background))
	_, err = client.LogCall(background, "op", nil, nil)
	refused(t, err, weave.StatusClosed)
	refused(t, client.Flush(background), weave.StatusClosed)
	refused(t, call.End(nil, nil), weave.StatusClosed)
	same(t, "project", client.Project(), "team/demo")
}

func TestGoroutinesMayCloseAClientAtOnce(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op", nil, nil)
	ok(t, err)
	limited, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	var closing sync.WaitGroup
	for number := range 16 {
		closing.Add(1)
		go func() {
			defer closing.Done()
			ctx := background
			if number%2 == 0 {
				ctx = limited
			}
			if err := client.Finish(ctx); err != nil {
				t.Error(err)
			}
		}()
	}
	closing.Wait()
	same(t, "calls", len(whole(stored(t, client))), 1)
}

func TestGoroutinesMayLogWhileTheClientIsClosed(t *testing.T) {
	client := opened(t, weave.Options{})
	var workers sync.WaitGroup
	accepted := make([]int, 16)
	for worker := range accepted {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				_, err := client.LogCall(background, "op", nil, nil)
				if err == nil {
					accepted[worker]++
					continue
				}
				if !errors.Is(err, weave.StatusClosed) {
					t.Error(err)
				}
				return
			}
		}()
	}
	ok(t, client.Flush(background))
	ok(t, client.Close())
	workers.Wait()
	total := 0
	for _, n := range accepted {
		total += n
	}
	// What was accepted while the client closed is kept, and written when the directory is opened the next time.
	next := opened(t, weave.Options{OfflineDir: client.OfflineDir()})
	same(t, "calls", len(whole(stored(t, next))), total)
}

func TestFlushBringsRecordsToTheDisk(t *testing.T) {
	client := opened(t, weave.Options{Uncompressed: true})
	_, err := client.LogCall(background, "op", nil, object{"text": "flushed"})
	ok(t, err)
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	ok(t, client.Flush(ctx))
	files, err := filepath.Glob(filepath.Join(client.OfflineDir(), "team/demo/calls/*.jsonl"))
	ok(t, err)
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	text, err := os.ReadFile(files[0])
	ok(t, err)
	if !strings.Contains(string(text), `"flushed"`) {
		t.Errorf("%s", text)
	}
}

func TestAnEndedContextEndsFlushAndFinishAndLosesNothing(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.LogCall(background, "op", nil, nil)
	ok(t, err)
	expired, cancel := context.WithTimeout(background, 0)
	defer cancel()
	err = client.Flush(expired)
	refused(t, err, weave.StatusTimeout, "kept")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v hides the context's error", err)
	}
	why := errors.New("the host is going down")
	cancelled, stop := context.WithCancelCause(background)
	stop(why)
	if err := client.Flush(cancelled); !errors.Is(err, why) {
		t.Errorf("%v hides the context's cause", err)
	}
	if err := client.Finish(cancelled); err != nil && !errors.Is(err, weave.StatusTimeout) {
		t.Error(err)
	}
	_, err = client.LogCall(background, "op", nil, nil)
	refused(t, err, weave.StatusClosed)
	next := opened(t, weave.Options{OfflineDir: client.OfflineDir()})
	same(t, "calls", len(whole(stored(t, next))), 1)
}

func TestACancelledContextEndsFinishAmidARequest(t *testing.T) {
	to, answer := sharedServer(t), make(chan struct{})
	behind, err := url.Parse(to.BaseURL)
	ok(t, err)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	var finishing atomic.Bool
	var passes atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		// Sending begins with this request. The first is of the flush, the second of what was logged meanwhile.
		if finishing.Load() && request.URL.Path == "/graphql" && passes.Add(1) == 2 {
			cancel()
			<-answer
		}
		proxy.ServeHTTP(writer, request)
	}))
	defer front.Close()
	answering := sync.OnceFunc(func() { close(answer) })
	defer answering()
	to.BaseURL, to.TraceServerURL = front.URL, front.URL
	filter, released := witness()
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: filepath.Join(t.TempDir(), "offline"),
		Server: online(to), Filter: filter})
	ok(t, err)
	finishing.Store(true)
	err = client.Finish(ctx)
	refused(t, err, weave.StatusTimeout)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v hides the context's error", err)
	}
	_, err = client.LogCall(background, "op", nil, nil)
	refused(t, err, weave.StatusClosed)
	answering()
	collect(t, released) // what goes on in the background ends
}

func TestAClientThatNobodyClosedIsReleasedAndLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "offline")
	filter, released := witness()
	client, err := weave.Init("team/demo", weave.Options{Offline: true, OfflineDir: dir, Filter: filter})
	ok(t, err)
	_, _, err = client.Start(background, "open", nil)
	ok(t, err)
	_, err = client.LogCall(background, "finished", nil, nil)
	ok(t, err)
	collect(t, released)
	next := opened(t, weave.Options{OfflineDir: dir})
	found := calls(t, next)
	if len(found) != 2 || found["open"] == nil || found["finished"] == nil {
		t.Errorf("%v", found)
	}
}

func TestAClientThatCannotBeReleasedYetHoldsUpNoOtherCleanup(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(entered) })
	filter, released := witness()
	to, dir := sharedServer(t), filepath.Join(t.TempDir(), "offline")
	to.SendInterval = 100 * time.Millisecond
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: dir, Server: to, Filter: filter,
		Progress: func(weave.Progress) { enter(); <-leave }})
	ok(t, err)
	_, err = client.LogCall(background, "op", nil, nil)
	ok(t, err)
	<-entered
	unreachable := weak.Make(client)
	client = nil
	collect(t, func() bool { return unreachable.Value() == nil })
	_, other := witness()
	collect(t, other)
	close(leave)
	collect(t, released)
	// What was being sent may still be in hand.
	_, err = weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to, Wait: time.Minute})
	ok(t, err)
}

func TestSettingsReachTheLibrary(t *testing.T) {
	none := 0.0
	dropped := opened(t, weave.Options{SampleRate: &none})
	_, err := dropped.LogCall(background, "op", nil, nil)
	ok(t, err)
	same(t, "calls of a sample of none", len(calls(t, dropped)), 0)

	defer syscall.Umask(syscall.Umask(0))
	client := opened(t, weave.Options{Source: "robot", Attributes: object{"fleet": 7}, RedactKeys: []string{"token"},
		GroupAccess: true, CompressionLevel: 12, MaxFileSize: 1 << 20, MaxFileAge: time.Hour,
		DurabilityInterval: new(time.Duration), Journal: "write", JournalSize: 1 << 20, WhenFull: "block", BlockLimit: time.Second, MaxDirectorySize: 1 << 24,
		QuotaPolicy: "drop-oldest"})
	_, err = client.LogCall(background, "op", object{"token": "secret", "name": "x"}, nil)
	ok(t, err)
	call := calls(t, client)["op"]
	same(t, "inputs", call["inputs"], object{"token": "REDACTED", "name": "x"})
	same(t, "source", path(call, "attributes", "weave", "source"), "robot")
	same(t, "attributes", path(call, "attributes", "fleet"), 7)
	about, err := os.Stat(client.OfflineDir())
	ok(t, err)
	same(t, "mode", about.Mode().Perm().String(), os.FileMode(0o770).String())
}

func TestSettingsThatCannotBeUsedAreRefused(t *testing.T) {
	negative, tiny := -time.Second, -time.Nanosecond
	for _, options := range []weave.Options{{CompressionLevel: 13}, {CompressionLevel: 1<<32 + 1}, {MaxFileSize: -1},
		{MaxFileAge: -time.Second}, {DurabilityInterval: &negative}, {DurabilityInterval: &tiny},
		{Journal: "paper"}, {JournalSize: -1},
		{WhenFull: "wait"}, {BlockLimit: negative}, {MaxDirectorySize: 1000}, {QuotaPolicy: "drop-newest"},
		{Server: weave.Server{HTTPTimeout: -1}}, {Server: weave.Server{SendInterval: time.Millisecond}}} {
		options.Offline, options.OfflineDir = true, t.TempDir()
		_, err := weave.Init("demo", options)
		refused(t, err, weave.StatusInvalidArgument)
	}
}

func TestStatsCountWhatBecameOfRecords(t *testing.T) {
	client := opened(t, weave.Options{Filter: func(r *weave.Record) weave.Decision {
		if strings.Contains(string(r.JSON()), "secret") {
			return weave.Drop
		}
		return weave.Keep
	}})
	before, err := client.Stats()
	ok(t, err)
	for _, op := range []string{"a", "b", "secret"} {
		_, err = client.LogCall(background, op, nil, nil)
		ok(t, err)
	}
	_, err = client.LogCall(background, "", nil, nil)
	refused(t, err, weave.StatusInvalidName)
	_, err = client.LogCall(background, "large", object{"text": strings.Repeat("x", 32<<20)}, nil)
	refused(t, err, weave.StatusTooLarge)
	stats, err := client.Stats()
	ok(t, err)
	same(t, "accepted", stats.Accepted-before.Accepted, 2)
	same(t, "packed and waiting", stats.Packed+stats.Waiting, stats.Accepted)
	same(t, "refused, dropped, blocked", []uint64{stats.Refused, stats.Dropped, stats.Blocked}, []uint64{0, 0, 0})
	same(t, "filtered", stats.Filtered, 1)

	ok(t, client.Flush(background))
	stats, err = client.Stats()
	ok(t, err)
	same(t, "packed", stats.Packed, stats.Accepted)
	same(t, "waiting", []uint64{stats.Waiting, stats.WaitingBytes}, []uint64{0, 0})
	same(t, "failures", stats.Failures, 0)
	same(t, "last error", stats.LastError, "")
	if stats.Journal.Kind != "mapped" && stats.Journal.Kind != "write" {
		t.Errorf("journal: %+v", stats.Journal)
	}
}

func TestADisabledClientKeepsNothing(t *testing.T) {
	client, err := weave.Init("demo", weave.Options{Disabled: true})
	ok(t, err)
	ctx, call, err := client.Start(background, "op", nil)
	ok(t, err)
	_, err = client.LogCall(ctx, "inner", nil, nil)
	ok(t, err)
	ok(t, call.End(nil, nil))
	ok(t, client.Close())
	same(t, "directory", client.OfflineDir(), "")
}

func TestAnEndedContextEndsAQueryAmidARequest(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	answer := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/calls/query_stats" {
			cancel()
			<-answer
		}
		writer.WriteHeader(http.StatusInternalServerError)
	}))
	defer mute.Close()
	defer close(answer)
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: filepath.Join(t.TempDir(), "offline"),
		Server: online(weave.Server{APIKey: key, BaseURL: mute.URL, TraceServerURL: mute.URL})})
	ok(t, err)
	_, err = client.Query(ctx, "/calls/query_stats", object{})
	refused(t, err, weave.StatusCancelled, "/calls/query_stats")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v hides the context's error", err)
	}
	_ = client.Finish(ctx) // sends nothing, since the context has ended
}

func TestDataOfTheServerIsNotThereOffline(t *testing.T) {
	client := opened(t, weave.Options{})
	_, err := client.Query(background, "/calls/stream_query", object{})
	refused(t, err, weave.StatusOffline)
}

func TestTheVersionIsTheLibrarys(t *testing.T) {
	if parts := strings.Split(weave.Version(), "."); len(parts) != 3 {
		t.Errorf("%q", weave.Version())
	}
}
