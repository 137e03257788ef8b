package boot

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// sdkLog makes log lines of what the AWS SDK prints, as plain text by default: trouble that it gets over by itself.
type sdkLog struct {
	log *slog.Logger
	ctx context.Context // of the call that it is about, as logging.ContextLogger asks for
}

// WithContext implements logging.ContextLogger: each line has the id of its request.
func (l sdkLog) WithContext(ctx context.Context) logging.Logger { return sdkLog{l.log, ctx} }

// Logf implements logging.Logger.
func (l sdkLog) Logf(kind logging.Classification, format string, args ...any) {
	level := slog.LevelWarn
	if kind == logging.Debug {
		level = slog.LevelDebug
	}
	l.log.Log(l.ctx, level, "the AWS SDK had trouble", "error", fmt.Sprintf(format, args...))
}
