package support

import (
	"bytes"
	"context"
	"log/slog"
)

// LogRecord is a record of a log.
type LogRecord struct {
	Level slog.Level
	Text  string
	Value any // the value that the context has for ContextKey
}

// Log is a slog.Handler that keeps the records.
type Log struct {
	slog.Handler
	Records *[]LogRecord
	buffer  *bytes.Buffer
}

// NewLog returns an empty log.
func NewLog() *Log {
	buffer := &bytes.Buffer{}
	return &Log{slog.NewTextHandler(buffer, &slog.HandlerOptions{Level: slog.LevelDebug}), &[]LogRecord{}, buffer}
}

// Handle keeps a record.
func (l *Log) Handle(ctx context.Context, r slog.Record) error {
	l.buffer.Reset()
	err := l.Handler.Handle(ctx, r)
	*l.Records = append(*l.Records, LogRecord{r.Level, l.buffer.String(), ctx.Value(ContextKey{})})
	return err
}
