package weave_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	command := exec.Command(python, filepath.Join(root, "tests/server/server.py"), "--port", "0",
		"--db", filepath.Join(dir, "server.db"), "--api-key", key, "--entity", "team")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	ok(t, err)
	ok(t, command.Start())
	stop = func() { _ = command.Process.Kill(); _ = command.Wait() }
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		stop()
		t.Fatal("the local server does not start")
	}
	address := strings.TrimSpace(line)
	return weave.Server{APIKey: key, BaseURL: address, TraceServerURL: address}, stop
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
