package weave_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	weave "github.com/libweave/libweave-go"
)

// withRejected is an offline directory of "team/demo" with a rejected call in it.
func withRejected(t *testing.T) (dir, line string) {
	t.Helper()
	dir = written(t)
	line = `{"type":"call_complete","timestamp":"2026-01-01T00:00:00Z","data":{"id":"x"}}`
	folder := filepath.Join(dir, "team/demo/.sync")
	ok(t, os.MkdirAll(folder, 0o700))
	rejected := `{"kind":"calls","id":"x","status":422,"reason":"no id","place":"calls/20260101_0000.jsonl.gz#3",` +
		`"at":"2026-01-01T00:00:00Z","server":"http://x","to":"team/demo","lines":[` + line + "]}\n"
	ok(t, os.WriteFile(filepath.Join(folder, "rejected.jsonl"), []byte(rejected), 0o600))
	return dir, line
}

func TestRejectedRecordsAreListedExportedAndPutBack(t *testing.T) {
	dir, line := withRejected(t)
	rejected := weave.Rejected{OfflineDir: dir, Project: "demo", Kind: "calls"}
	listed, err := rejected.List()
	ok(t, err)
	if len(listed) != 1 || listed[0].ID != "x" || listed[0].Status != 422 || listed[0].Project != "team/demo" ||
		!strings.HasSuffix(listed[0].Place, "#3") {
		t.Errorf("%+v", listed)
	}
	file := filepath.Join(t.TempDir(), "rejected.jsonl")
	count, err := rejected.Export(file)
	ok(t, err)
	same(t, "exported", count, 1)
	text, err := os.ReadFile(file)
	ok(t, err)
	if !strings.Contains(string(text), line) {
		t.Errorf("%s", text)
	}
	_, err = rejected.Export(file)
	refused(t, err, weave.StatusIO, file)
	count, err = rejected.Retry()
	ok(t, err)
	same(t, "put back", count, 1)
	stats, err := weave.Stats(dir)
	ok(t, err)
	same(t, "pending files", stats.Projects["team/demo"]["calls"].PendingFiles, 2)
	count, err = rejected.Drop()
	ok(t, err)
	same(t, "dropped of none", count, 0)
}

func TestRejectedRecordsCanBeDropped(t *testing.T) {
	dir, _ := withRejected(t)
	count, err := weave.Rejected{OfflineDir: dir}.Drop()
	ok(t, err)
	same(t, "dropped", count, 1)
	_, err = weave.Rejected{OfflineDir: dir, Kind: "call"}.Drop()
	refused(t, err, weave.StatusInvalidArgument, "call_updates")
}

func TestVerifyTellsWhatWasNotAsked(t *testing.T) {
	to, dir := sharedServer(t), written(t)
	verified, err := weave.Verify(background, weave.VerifyOptions{OfflineDir: dir, Server: to})
	ok(t, err)
	same(t, "of nothing that was sent", verified, weave.Verified{})
	folder := filepath.Join(dir, "team/demo/calls")
	ok(t, os.WriteFile(filepath.Join(folder, "20200101_0000.synced.jsonl"), []byte("{}\n"), 0o600))
	_, err = weave.Verify(background, weave.VerifyOptions{OfflineDir: dir, Server: to, PutBack: true})
	refused(t, err, weave.StatusIncomplete, "no receipt")
}

func TestAPreviewDeletesNothing(t *testing.T) {
	dir := written(t)
	synced := filepath.Join(dir, "team/demo/calls/20200101_0000.synced.jsonl")
	ok(t, os.WriteFile(synced, []byte("{}\n"), 0o600))
	preview, err := weave.PreviewClean(dir, 0)
	ok(t, err)
	same(t, "preview", preview, weave.Cleanable{Bytes: 3, Files: []weave.CleanableFile{
		{Path: "team/demo/calls/20200101_0000.synced.jsonl", Bytes: 3}}})
	none, err := weave.PreviewClean(dir, 24*time.Hour)
	ok(t, err)
	same(t, "of today", len(none.Files), 0)
	deleted, err := weave.CleanSyncedFiles(dir, 0)
	ok(t, err)
	same(t, "deleted", deleted, 1)
}
