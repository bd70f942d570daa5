// Package rotation is the file that both Go peers write to: it rotates by size, and closed files become gzip.
package rotation

import (
	"path/filepath"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Megabytes of a file: several are closed and compressed while a benchmark runs.
const megabytes = 16

// Open makes the file in a directory.
func Open(dir string) *lumberjack.Logger {
	return &lumberjack.Logger{Filename: filepath.Join(dir, "calls.log"), MaxSize: megabytes, Compress: true}
}

// Drain closes the last file and waits until all are compressed, which happens in the background.
func Drain(file *lumberjack.Logger) error {
	if err := file.Rotate(); err != nil {
		return err
	}
	for {
		plain, err := filepath.Glob(filepath.Join(filepath.Dir(file.Filename), "calls-*.log"))
		if err != nil || len(plain) == 0 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
