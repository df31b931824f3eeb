package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go"
)

// describe prints a value that a call returned.
func (s *scene) describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case *leedo.Page[leedo.Lead]:
		return describePage(s, v.Data, v.Meta, v.HasNext())
	case *leedo.Page[leedo.Account]:
		return describePage(s, v.Data, v.Meta, v.HasNext())
	case *leedo.Page[leedo.Contact]:
		return describePage(s, v.Data, v.Meta, v.HasNext())
	case *leedo.Page[leedo.Campaign]:
		return describePage(s, v.Data, v.Meta, v.HasNext())
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		return s.fields(v.Elem())
	}
	return fmt.Sprintf("%v", reflect.Indirect(reflect.ValueOf(value)))
}

func describePage[T any](s *scene, rows []T, meta leedo.PageMeta, more bool) string {
	var text strings.Builder
	fmt.Fprintf(&text, "page %d of %d items, %d on a page", meta.Page, meta.Total, meta.PerPage)
	if more {
		text.WriteString(", more to come")
	}
	for _, row := range rows {
		text.WriteString("\n" + s.fields(reflect.ValueOf(row)))
	}
	return text.String()
}

// fields prints the fields of a struct that are not zero, or only the id.
func (s *scene) fields(v reflect.Value) string {
	if id := v.FieldByName("ID"); id.IsValid() && !s.full {
		return v.Type().Name() + " " + id.String()
	}
	var text strings.Builder
	text.WriteString(v.Type().Name())
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if field.IsZero() || !v.Type().Field(i).IsExported() {
			continue
		}
		switch value := field.Interface().(type) {
		case time.Time:
			fmt.Fprintf(&text, " %s=%s", name, value.Format(time.RFC3339Nano))
		case int:
			fmt.Fprintf(&text, " %s=%d", name, value)
		case leedo.Lead:
			text.WriteString(" " + s.fields(field))
		default:
			fmt.Fprintf(&text, " %s=%q", name, fmt.Sprint(value))
		}
	}
	return text.String()
}

// rate prints figures of the quota.
func (s *scene) rate(r leedo.RateLimit) string {
	if r == (leedo.RateLimit{}) {
		return "no rate limit"
	}
	text := fmt.Sprintf("limit %d, remaining %d, reset %s, observed %s", r.Limit, r.Remaining, s.when(r.Reset), s.when(r.Observed))
	if r.Waiting != 0 || r.InFlight != 0 {
		text += fmt.Sprintf(", %d waiting, %d in flight", r.Waiting, r.InFlight)
	}
	return text
}

// response prints what WithResponse was filled with.
func (s *scene) response(r *leedo.Response) {
	s.say("response %d, request %q, %s, %d header fields, body %q, %s",
		r.StatusCode, r.RequestID, plural(r.Attempts, "attempt"), len(r.Header), cut(string(r.Body), 60), s.rate(r.RateLimit))
}

// failure prints an error: its text, the types in its tree, what their fields
// say, and which other errors it matches.
func (s *scene) failure(err error) string {
	var text strings.Builder
	text.WriteString(err.Error() + "\n" + tree(err))
	if is := matches(err); is != "" {
		text.WriteString("\nmatches " + is)
	}
	for _, detail := range s.details(err) {
		text.WriteString("\n" + detail)
	}
	return text.String()
}

// tree prints the types of an error and of what it wraps: those that users can
// name. Of others it prints what they wrap.
func tree(err error) string {
	var inner []string
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			inner = append(inner, tree(err))
		}
	case interface{ Unwrap() error }:
		if wrapped := e.Unwrap(); wrapped != nil {
			inner = append(inner, tree(wrapped))
		}
	}
	name, wraps := typeName(err), strings.Join(inner, " + ")
	switch {
	case len(inner) == 0:
		return or(name, "an error")
	case name == "" && len(inner) == 1:
		return wraps
	case name == "":
		return "(" + wraps + ")"
	}
	return name + " > " + wraps
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// typeName is the name of an error or of its type, empty if it has none that
// a user can write.
func typeName(err error) string {
	for _, s := range sentinels {
		if err == s.err {
			return s.name
		}
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" || strings.ToLower(t.Name()[:1]) == t.Name()[:1] || strings.Contains(t.PkgPath(), "/internal/") {
		return ""
	}
	return strings.TrimPrefix(t.String(), "leedo.")
}

var sentinels = []struct {
	name string
	err  error
}{
	{"ErrInvalidArgument", leedo.ErrInvalidArgument},
	{"context.Canceled", context.Canceled},
	{"context.DeadlineExceeded", context.DeadlineExceeded},
	{"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded},
	{"io.EOF", io.EOF},
	{"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF},
	{"ECONNREFUSED", syscall.ECONNREFUSED},
	{"ECONNRESET", syscall.ECONNRESET},
	{"errOwn", errOwn},
}

// errOwn is an error of the caller's.
var errOwn = errors.New("an error of the caller's own")

// matches names what errors.Is and errors.As find in an error.
func matches(err error) string {
	var names []string
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			names = append(names, s.name)
		}
	}
	names = match[*net.DNSError](err, names, "*net.DNSError")
	names = match[*net.OpError](err, names, "*net.OpError")
	names = match[*url.Error](err, names, "*url.Error")
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		names = append(names, "Timeout()")
	}
	return strings.Join(names, ", ")
}

func match[E error](err error, names []string, name string) []string {
	if _, ok := errors.AsType[E](err); ok {
		return append(names, name)
	}
	return names
}

// details prints the fields of the errors of the SDK in the tree of err.
func (s *scene) details(err error) []string {
	var all []string
	if e, ok := errors.AsType[*leedo.UnknownOutcomeError](err); ok {
		all = append(all, fmt.Sprintf("UnknownOutcomeError %s %s", e.Method, e.Path))
	}
	if e, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		all = append(all, fmt.Sprintf("RateLimitError retry at %s, local %t, %s", s.when(e.RetryAt), e.Local(), s.rate(e.RateLimit)))
	}
	if e, ok := errors.AsType[*leedo.APIError](err); ok {
		all = append(all, fmt.Sprintf("APIError %s %s %d, code %q, message %q, request %q, %s, %d header fields, %d bytes of body, %s",
			e.Method, e.Path, e.StatusCode, e.Code, e.Message, e.RequestID, plural(e.Attempts, "attempt"), len(e.Header), len(e.Body), s.rate(e.RateLimit)))
	}
	if e, ok := errors.AsType[*leedo.DecodeError](err); ok {
		all = append(all, fmt.Sprintf("DecodeError %s %s %d, content type %q, %d bytes of body", e.Method, e.Path, e.StatusCode, e.ContentType, len(e.Body)))
	}
	if e, ok := errors.AsType[*leedo.TransportError](err); ok {
		all = append(all, fmt.Sprintf("TransportError %s %s, %s, timeout %t", e.Method, e.Path, plural(e.Attempts, "attempt"), e.Timeout()))
	}
	return all
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// cut shortens a text for a trace.
func cut(text string, n int) string {
	if len(text) > n {
		return fmt.Sprintf("%s… (%d bytes)", text[:n], len(text))
	}
	return text
}
