package weave_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

const key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

// server starts the local server of the project's tests for one of them.
func server(t *testing.T) weave.Server {
	t.Helper()
	to, stop := start(t, t.TempDir())
	t.Cleanup(stop)
	return to
}

// theServer is the one that tests share which do not look at what is on it. TestMain stops it.
var theServer struct {
	start sync.Once
	at    weave.Server
	stop  func()
}

func sharedServer(t *testing.T) weave.Server {
	t.Helper()
	theServer.start.Do(func() {
		dir, err := os.MkdirTemp("", "weave-server-")
		ok(t, err)
		to, stop := start(t, dir)
		theServer.at, theServer.stop = to, func() { stop(); _ = os.RemoveAll(dir) }
	})
	if theServer.stop == nil {
		t.Skip("the shared server did not start")
	}
	return theServer.at
}

func start(t *testing.T, dir string) (to weave.Server, stop func()) {
	t.Helper()
	if testing.Short() {
		t.Skip("a server takes its time to start")
	}
	root, err := filepath.Abs("../..")
	ok(t, err)
	python := filepath.Join(root, ".venv-server/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("the local server has no environment: run `make test-deps`")
	}
	for range 5 { // the free port may be taken before the server binds it
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		port := listener.Addr().(*net.TCPAddr).Port
		ok(t, listener.Close())
		address := "http://127.0.0.1:" + strconv.Itoa(port)
		command := exec.Command(python, filepath.Join(root, "tests/server/server.py"), "--port", strconv.Itoa(port),
			"--db", filepath.Join(dir, "server.db"), "--api-key", key, "--entity", "team")
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		ok(t, command.Start())
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		if answers(address, ended) {
			return weave.Server{APIKey: key, BaseURL: address, TraceServerURL: address},
				func() { _ = command.Process.Kill(); <-ended }
		}
	}
	t.Fatal("the local server does not start")
	return to, nil
}

func answers(address string, ended chan error) bool {
	for {
		request, _ := http.NewRequest(http.MethodGet, address+"/server_info", nil)
		request.SetBasicAuth("api", key)
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		}
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// online has a client send when it is flushed, and not before.
func online(to weave.Server) weave.Server {
	to.SendInterval = time.Hour
	return to
}

// unused is an address that nobody listens at.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	ok(t, listener.Close())
	return "http://" + listener.Addr().String()
}
