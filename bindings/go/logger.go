package weave

import (
	"context"
	"log/slog"

	"github.com/libweave/libweave-go/internal/capi"
)

var levels = map[int32]slog.Level{
	capi.LogError: slog.LevelError, capi.LogWarning: slog.LevelWarn,
	capi.LogInfo: slog.LevelInfo, capi.LogDebug: slog.LevelDebug,
}

// SetLogger sets what takes the library's messages, for the whole process; nil for silence, as at the beginning. The
// logger is asked once, here, for its level. It is called from any goroutine and from threads of the library, and must
// not log to or sync with this package.
func SetLogger(logger *slog.Logger) {
	most := int32(0)
	for level, of := range levels {
		if logger != nil && logger.Enabled(context.Background(), of) {
			most = max(most, level)
		}
	}
	if most == 0 {
		capi.SetLog(nil, 0)
		return
	}
	capi.SetLog(func(level int32, message string) {
		logger.Log(context.Background(), levels[level], message)
	}, most)
}
