// Command zerolog measures github.com/rs/zerolog with files that rotate into gzip.
package main

import (
	"github.com/rs/zerolog"
	"gopkg.in/natefinch/lumberjack.v2"

	"libweave.test/harness"
	"libweave.test/peers/rotation"
)

func main() {
	var file *lumberjack.Logger
	var logger zerolog.Logger
	harness.Main(harness.Design{
		Open: func(dir string) error {
			file = rotation.Open(dir)
			logger = zerolog.New(file).With().Timestamp().Logger()
			return nil
		},
		Log: func(call *harness.Call) error {
			logger.Info().Str("op_name", call.Op).RawJSON("inputs", call.Inputs).RawJSON("output", call.Output).Msg("call")
			return nil
		},
		Drain: func() error { return rotation.Drain(file) },
		Close: func() error { return file.Close() },
	})
}
