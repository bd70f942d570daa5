package weave_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	weave "github.com/libweave/libweave-go"
)

func TestMessagesGoToTheLogger(t *testing.T) {
	client := opened(t, weave.Options{})
	warn := func() {
		_, err := client.LogCall(background, "op", nil, nil, weave.WithSummary(object{"weave": object{}}))
		ok(t, err)
	}
	defer weave.SetLogger(nil)
	var heard safeBuffer
	weave.SetLogger(slog.New(slog.NewTextHandler(&heard, nil)))
	warn()
	if text := heard.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "summary.weave") {
		t.Errorf("heard %q", text)
	}
	var errorsOnly safeBuffer
	weave.SetLogger(slog.New(slog.NewTextHandler(&errorsOnly, &slog.HandlerOptions{Level: slog.LevelError})))
	warn()
	weave.SetLogger(nil)
	warn()
	if text := errorsOnly.String(); text != "" || strings.Count(heard.String(), "\n") != 1 {
		t.Errorf("heard %q, and before %q", text, heard.String())
	}
}

func TestMessagesKeepTheirLevelsAndTheLoggersAttributes(t *testing.T) {
	to := sharedServer(t)
	behind, err := url.Parse(to.BaseURL)
	ok(t, err)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	var down atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		proxy.ServeHTTP(writer, request)
	}))
	defer front.Close()
	to.BaseURL, to.TraceServerURL = front.URL, front.URL
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: filepath.Join(t.TempDir(), "offline"), Server: online(to)})
	ok(t, err)
	var heard safeBuffer
	weave.SetLogger(slog.New(slog.NewTextHandler(&heard, &slog.HandlerOptions{Level: slog.LevelDebug})).With("part", "traces"))
	defer weave.SetLogger(nil)
	_, err = client.LogCall(background, "op", nil, nil)
	ok(t, err)
	down.Store(true)
	refused(t, client.Flush(background), weave.StatusNetwork) // a warning
	refused(t, client.Flush(background), weave.StatusNetwork) // known already
	down.Store(false)
	ok(t, client.Flush(background)) // works again
	ok(t, client.Close())
	lines := strings.Split(strings.TrimSpace(heard.String()), "\n")
	for i, level := range []string{"WARN", "DEBUG", "INFO"} {
		if len(lines) != 3 || !strings.Contains(lines[i], "level="+level) || !strings.Contains(lines[i], "part=traces") {
			t.Fatalf("heard %q", lines)
		}
	}
}

// leaving is a handler of log messages that ends its goroutine.
type leaving struct{ asked *atomic.Int32 }

func (leaving) Enabled(context.Context, slog.Level) bool { return true }
func (l leaving) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l leaving) WithGroup(string) slog.Handler          { return l }
func (l leaving) Handle(context.Context, slog.Record) error {
	l.asked.Add(1)
	runtime.Goexit()
	return nil
}

func TestAGoexitOfALoggerDoesNotReachWhoLogs(t *testing.T) {
	client := opened(t, weave.Options{})
	defer weave.SetLogger(nil)
	var asked atomic.Int32
	weave.SetLogger(slog.New(leaving{&asked}))
	_, err := client.LogCall(background, "op", nil, nil, weave.WithSummary(object{"weave": object{}}))
	weave.SetLogger(nil)
	ok(t, err)
	if asked.Load() == 0 {
		t.Error("the logger was not asked")
	}
	same(t, "calls", len(calls(t, client)), 1)
}

func TestAGoexitOfALoggerLeavesTheLibrarysThreadsAlone(t *testing.T) {
	defer weave.SetLogger(nil)
	var asked atomic.Int32
	weave.SetLogger(slog.New(leaving{&asked}))
	nobody := unused(t)
	client, err := weave.Init("team/demo", weave.Options{OfflineDir: t.TempDir(),
		Server: weave.Server{APIKey: key, BaseURL: nobody, TraceServerURL: nobody}})
	ok(t, err)
	before := asked.Load()
	refused(t, client.Flush(background), weave.StatusNetwork)
	refused(t, client.Flush(background), weave.StatusNetwork) // begun when what the first one said was said
	if asked.Load() == before {
		t.Error("the logger was not asked")
	}
	weave.SetLogger(nil)
	expired, cancel := context.WithTimeout(background, 0)
	defer cancel()
	refused(t, client.Finish(expired), weave.StatusTimeout)
}

// safeBuffer may be read while threads of the library still write.
type safeBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(text)
}

func (b *safeBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.String()
}
