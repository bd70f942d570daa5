// Command zap measures go.uber.org/zap with its production encoder and files that rotate into gzip.
package main

import (
	"encoding/json"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/natefinch/lumberjack.v2"

	"libweave.test/harness"
	"libweave.test/peers/rotation"
)

func main() {
	var file *lumberjack.Logger
	var logger *zap.Logger
	harness.Main(harness.Design{
		Open: func(dir string) error {
			file = rotation.Open(dir)
			encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
			logger = zap.New(zapcore.NewCore(encoder, zapcore.AddSync(file), zap.InfoLevel))
			return nil
		},
		Log: func(call *harness.Call) error {
			logger.Info("call", zap.String("op_name", call.Op), zap.Reflect("inputs", json.RawMessage(call.Inputs)),
				zap.Reflect("output", json.RawMessage(call.Output)))
			return nil
		},
		Drain: func() error { return rotation.Drain(file) },
		Close: func() error { return file.Close() },
	})
}
