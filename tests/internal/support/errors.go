package support

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

// Is reports whether err is or wraps an error of type E.
func Is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// AsRateLimitError checks that err is a RateLimitError and nothing else, and
// returns it.
func AsRateLimitError(t *testing.T, err error) *leedo.RateLimitError {
	t.Helper()
	limited, ok := errors.AsType[*leedo.RateLimitError](err)
	if !ok {
		t.Fatalf("%v, want a RateLimitError", err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || Is[*leedo.UnknownOutcomeError](err) {
		t.Errorf("%v is more than a RateLimitError", err)
	}
	api, ok := errors.AsType[*leedo.APIError](err)
	if limited.Local() != (limited.Err == nil) || limited.Local() == ok || ok && api.StatusCode != 429 {
		t.Errorf("Local() is %v, Err %v", limited.Local(), limited.Err)
	}
	return limited
}

// CheckInvalidArgument checks that err is ErrInvalidArgument, and does not say
// that anything was sent.
func CheckInvalidArgument(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("%v, want ErrInvalidArgument", err)
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, "leedo: ") || strings.Count(text, "invalid argument: ") != 1 || strings.ContainsAny(text, "\r\n\x00") {
		t.Errorf("text %q", text)
	}
	if Is[*leedo.UnknownOutcomeError](err) || Is[*leedo.TransportError](err) || Is[*leedo.APIError](err) {
		t.Errorf("%v says that something was sent", err)
	}
}

// CheckSettled checks that c has no request in flight and no call that waits.
func CheckSettled(t *testing.T, what string, c *leedo.Client) {
	t.Helper()
	if l := c.RateLimit(); l.InFlight != 0 || l.Waiting != 0 {
		t.Errorf("%s: %d in flight, %d waiting", what, l.InFlight, l.Waiting)
	}
}

// Recovered calls f and returns the value that it panics with.
func Recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// Near reports whether two times are within two seconds of each other.
func Near(got, want time.Time) bool { return got.Sub(want).Abs() <= 2*time.Second }

// ErrorTree returns err and all errors that it wraps.
func ErrorTree(err error) []error {
	errs := []error{err}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			errs = append(errs, ErrorTree(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			errs = append(errs, ErrorTree(inner)...)
		}
	}
	return errs
}

// Printed returns v in each form in which values get into logs: formatted with
// the verbs of package fmt, as JSON, and logged by package slog.
func Printed(v any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts[verb] = fmt.Sprintf(verb, v)
		texts["in a struct "+verb] = fmt.Sprintf(verb, struct{ Value any }{v})
		texts["in a slice "+verb] = fmt.Sprintf(verb, []any{v})
	}
	data, err := json.Marshal(v)
	texts["JSON"] = fmt.Sprint(string(data), err)
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("failed", "value", v, slog.Group("group", "value", v))
	slog.New(slog.NewJSONHandler(&lines, nil)).Error("failed", "value", v, slog.Group("group", "value", v))
	texts["slog text"], texts["slog JSON"] = text.String(), lines.String()
	return texts
}

// AllForms returns err, and each error that it wraps, formatted with the verbs of
// package fmt, as JSON and as package slog logs it.
func AllForms(t *testing.T, err error) []string {
	t.Helper()
	var forms []string
	for err != nil {
		encoded, jsonErr := json.Marshal(err)
		if jsonErr != nil {
			t.Errorf("JSON of %T: %v", err, jsonErr)
		}
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, nil))
		logger.Error("failed", "err", err)
		slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", slog.Any("err", err))
		forms = append(forms, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err), string(encoded), log.String())
		err = errors.Unwrap(err)
	}
	return forms
}

// PartShown returns a part of the token that text contains, in whatever case,
// or "".
func PartShown(text, token string) string {
	text, token = LowerASCII(text), LowerASCII(token)
	for i := range len(token) - 4 {
		if part := token[i : i+5]; strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// LowerASCII is strings.ToLower for a text that is searched for a token, which has no
// other letters: ToLower would also find an i in İ, and a k in the sign of Kelvin.
func LowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
