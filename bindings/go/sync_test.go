package weave_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

// written is an offline directory with three calls of "team/demo", one of them below another, and an object.
func written(t *testing.T) string {
	t.Helper()
	client := opened(t, weave.Options{})
	config, err := client.CreateObject("config", object{"a": 1})
	ok(t, err)
	ctx, call, err := client.Start(background, "outer", object{"config": config})
	ok(t, err)
	_, err = client.LogCall(ctx, "inner", nil, nil)
	ok(t, err)
	ok(t, call.End(nil, nil))
	_, err = client.LogCall(background, "alone", nil, nil)
	ok(t, err)
	ok(t, client.Close())
	return client.OfflineDir()
}

func TestSyncSendsWhatIsStoredAndCountsIt(t *testing.T) {
	to, dir := server(t), written(t)
	last := map[string]weave.Counts{}
	options := weave.SyncOptions{OfflineDir: dir, Server: to, Progress: func(p weave.Progress) {
		last[p.Project+" "+p.Kind] = p.Counts
	}}
	results, err := weave.Sync(background, options)
	ok(t, err)
	counts := results["team/demo"]
	same(t, "calls", counts["calls"], weave.Counts{Synced: 3})
	same(t, "objects", counts["objects"], weave.Counts{Synced: 1})
	same(t, "progress", last["team/demo calls"], weave.Counts{Synced: 3})
	again, err := weave.Sync(background, options)
	ok(t, err)
	same(t, "sent again", again["team/demo"]["calls"], weave.Counts{})

	online, err := weave.Init("team/demo", weave.Options{OfflineDir: dir, Server: to})
	ok(t, err)
	_, err = online.LogCall(background, "online", nil, nil)
	ok(t, err)
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	ok(t, online.Flush(ctx))
	answer, err := online.Query(background, "/calls/query_stats", object{"project_id": "team/demo"})
	ok(t, err)
	if !strings.Contains(string(answer), `"count":4`) && !strings.Contains(string(answer), `"count": 4`) {
		t.Errorf("%s", answer)
	}
	ok(t, online.Finish(ctx))
}

func TestWhatWasSentIsDeletedWhenAsked(t *testing.T) {
	// By a process that has ended: the journal of a living one keeps the files that it tells of.
	to, dir := sharedServer(t), filepath.Join(t.TempDir(), "offline")
	agent := exec.Command("go", "run", "./examples/agent", dir, "team/demo")
	agent.Stderr = os.Stderr
	root, err := agent.Output()
	ok(t, err)
	same(t, "length of the root call's id", len(root), len("0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b\n"))
	_, err = weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to})
	ok(t, err)
	before, err := weave.Stats(dir)
	ok(t, err)
	if calls := before.Projects["team/demo"]["calls"]; calls.SyncedFiles == 0 || calls.PendingFiles != 0 || calls.SyncedBytes == 0 {
		t.Errorf("%+v", before)
	}
	deleted, err := weave.CleanSyncedFiles(dir, 24*time.Hour)
	ok(t, err)
	same(t, "deleted of today", deleted, 0)
	deleted, err = weave.CleanSyncedFiles(dir, 0)
	ok(t, err)
	after, err := weave.Stats(dir)
	ok(t, err)
	if deleted == 0 || after.Projects["team/demo"]["calls"].SyncedFiles != 0 {
		t.Errorf("%d deleted; %+v", deleted, after)
	}
}

func TestSyncGoesToAnotherProjectWhenAsked(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	_, err := weave.Sync(background, weave.SyncOptions{
		OfflineDir: dir, Server: to, Project: "demo", Destination: "team/elsewhere"})
	ok(t, err)
	client, err := weave.Init("team/elsewhere", weave.Options{OfflineDir: dir, Server: to})
	ok(t, err)
	answer, err := client.Query(background, "/calls/query_stats", object{"project_id": "team/elsewhere"})
	ok(t, err)
	if !strings.Contains(string(answer), "3") {
		t.Errorf("%s", answer)
	}
	ok(t, client.Close())
}

// arrived asks how many calls of a project the server has.
func arrived(t *testing.T, dir string, to weave.Server, project string) string {
	t.Helper()
	client, err := weave.Init(project, weave.Options{OfflineDir: dir, Server: to})
	ok(t, err)
	answer, err := client.Query(background, "/calls/query_stats", object{"project_id": project})
	ok(t, err)
	ok(t, client.Close())
	var told struct{ Count json.Number }
	ok(t, json.Unmarshal(answer, &told))
	return told.Count.String()
}

func TestProjectsGoWhereTheyAreMappedTo(t *testing.T) {
	to, dir := server(t), written(t)
	_, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to,
		Destinations: map[string]string{"team/demo": "mapped", "other": "team/unused"}})
	refused(t, err, weave.StatusInvalidArgument)
	_, err = weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to,
		Destinations: map[string]string{"team/demo": "mapped"}})
	ok(t, err)
	same(t, "calls in the mapped project", arrived(t, dir, to, "team/mapped"), "3")
	same(t, "calls in the recorded one", arrived(t, dir, to, "team/demo"), "0")
}

func TestASyncEndsAtItsLimitAndTheNextSendsTheRest(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	_, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to, MaxBytes: 1})
	refused(t, err, weave.StatusTimeout)
	_, err = weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to, MaxTime: time.Nanosecond})
	refused(t, err, weave.StatusTimeout)
	age := time.Duration(0)
	results, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to, MaxTime: time.Hour,
		MaxBytes: 1 << 30, Wait: time.Second, Sending: weave.Sending{
			OpenCallAge: &age, CloseInterrupted: true, MaxRate: 1 << 30, Connections: 2}})
	ok(t, err)
	same(t, "calls", results["team/demo"]["calls"], weave.Counts{Synced: 3})
}

func TestAnEndedContextEndsASyncAmidARequest(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer mute.Close()
	dir, address := written(t), "http://"+mute.Addr().String()
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	var cancelled time.Time
	asked := make(chan net.Conn, 1)
	go func() {
		connection, err := mute.Accept()
		if err == nil {
			_, _ = connection.Read(make([]byte, 1))
			asked <- connection
		}
		cancelled = time.Now()
		cancel()
	}()
	_, err = weave.Sync(ctx, weave.SyncOptions{OfflineDir: dir,
		Server: weave.Server{APIKey: key, BaseURL: address, TraceServerURL: address, HTTPTimeout: time.Minute}})
	refused(t, err, weave.StatusCancelled)
	if took := time.Since(cancelled); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v hides the context's error", err)
	}
	_ = (<-asked).Close()
	results, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: sharedServer(t)})
	ok(t, err)
	same(t, "calls", results["team/demo"]["calls"], weave.Counts{Synced: 3})
}

func TestASettingOfASyncThatCannotBeUsedIsNamed(t *testing.T) {
	early := -time.Second
	for name, options := range map[string]weave.SyncOptions{
		"max_sync_bytes":   {MaxBytes: -1},
		"max_sync_time":    {MaxTime: -time.Second},
		"sync_wait":        {Wait: -time.Second},
		"open_call_age":    {Sending: weave.Sending{OpenCallAge: &early}},
		"max_sync_rate":    {Sending: weave.Sending{MaxRate: -1}},
		"sync_connections": {Sending: weave.Sending{Connections: 1 << 33}},
		"destination":      {Destinations: map[string]string{"team/demo": "a\x00b"}},
	} {
		options.OfflineDir = t.TempDir()
		_, err := weave.Sync(background, options)
		refused(t, err, weave.StatusInvalidArgument, name)
	}
	_, err := weave.Init("p", weave.Options{Offline: true, Sending: weave.Sending{Connections: 17}})
	refused(t, err, weave.StatusInvalidArgument, "sync_connections")
}

func TestACancelledSyncKeepsWhatWasNotSent(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	why := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(background)
	options := weave.SyncOptions{OfflineDir: dir, Server: to, Progress: func(weave.Progress) { cancel(why) }}
	_, err := weave.Sync(ctx, options)
	refused(t, err, weave.StatusCancelled)
	if !errors.Is(err, why) {
		t.Errorf("%v hides the context's cause", err)
	}
	options.Progress = nil
	_, err = weave.Sync(ctx, options)
	refused(t, err, weave.StatusCancelled)
	results, err := weave.Sync(background, options)
	ok(t, err)
	same(t, "calls", results["team/demo"]["calls"], weave.Counts{Synced: 3})
}

func TestAPanicOfProgressReachesWhoSyncs(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	defer func() {
		if raised := recover(); raised != "of the progress" {
			t.Errorf("raised %v", raised)
		}
	}()
	_, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to,
		Progress: func(weave.Progress) { panic("of the progress") }})
	t.Errorf("returned %v", err)
}

func TestAGoexitOfProgressEndsTheSyncAndFreesTheDirectory(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	_, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to,
		Progress: func(weave.Progress) { runtime.Goexit() }})
	refused(t, err, weave.StatusCancelled, "runtime.Goexit", "kept")
	results, err := weave.Sync(background, weave.SyncOptions{OfflineDir: dir, Server: to})
	ok(t, err)
	same(t, "calls", results["team/demo"]["calls"], weave.Counts{Synced: 3})
}

func TestAGoexitOfAClientsProgressStopsOnePass(t *testing.T) {
	var told atomic.Bool
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: filepath.Join(t.TempDir(), "offline"),
		Server: online(sharedServer(t)), Progress: func(weave.Progress) {
			if !told.Swap(true) {
				runtime.Goexit()
			}
		}})
	ok(t, err)
	_, err = client.LogCall(background, "op", nil, nil)
	ok(t, err)
	refused(t, client.Flush(background), weave.StatusCancelled)
	ok(t, client.Flush(background))
	ok(t, client.Close())
}

func TestAPanicOfAClientsProgressEndsTheProgram(t *testing.T) {
	if address := os.Getenv("PANIC_AT"); address != "" {
		client, err := weave.Init("team/demo", weave.Options{OfflineDir: os.Getenv("PANIC_IN"),
			Server:   weave.Server{APIKey: key, BaseURL: address, TraceServerURL: address},
			Progress: func(weave.Progress) { panic("of the progress") }})
		ok(t, err)
		_, err = client.LogCall(background, "op", nil, nil)
		ok(t, err)
		_ = client.Flush(background)
		select {}
	}
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=1m")
	program.Env = append(os.Environ(), "PANIC_AT="+sharedServer(t).BaseURL, "PANIC_IN="+filepath.Join(t.TempDir(), "offline"))
	told, err := program.CombinedOutput()
	if err == nil || !strings.Contains(string(told), "panic: of the progress") {
		t.Errorf("%v: %s", err, told)
	}
}

func TestSyncTellsWhyItCannotBegin(t *testing.T) {
	nobody := unused(t)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("NETRC", filepath.Join(t.TempDir(), "none"))
	_, err := weave.Sync(background, weave.SyncOptions{OfflineDir: written(t), Server: weave.Server{BaseURL: nobody}})
	refused(t, err, weave.StatusUnauthorized)
	_, err = weave.Sync(background, weave.SyncOptions{OfflineDir: "/no/such/directory", Server: weave.Server{APIKey: key}})
	refused(t, err, weave.StatusInvalidArgument, "/no/such/directory")
	_, err = weave.Stats("/no/such/directory")
	refused(t, err, weave.StatusInvalidArgument, "/no/such/directory")
	_, err = weave.CleanSyncedFiles(t.TempDir(), -time.Hour)
	refused(t, err, weave.StatusInvalidArgument)
}

func TestStatsTellWhatIsPending(t *testing.T) {
	stats, err := weave.Stats(written(t))
	ok(t, err)
	calls := stats.Projects["team/demo"]["calls"]
	if calls.PendingFiles != 1 || calls.PendingBytes == 0 || calls.SyncedFiles != 0 || stats.Bytes <= calls.PendingBytes {
		t.Errorf("%+v", stats)
	}
}
