package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/internal/wire"
)

// Cause is the reason why no response came, or only a truncated one. Its text
// contains neither token nor query. It matches what the transport's error matches,
// except context errors: the deadline of an attempt is not the caller's.
type Cause struct {
	Final bool // another attempt cannot help

	text    string
	err     error
	callers bool // the caller's context ended, and err says so
}

func (c *Cause) Error() string { return c.text }

// Equal makes causes comparable by go-cmp.
func (c Cause) Equal(o Cause) bool {
	return c.text == o.text && c.Final == o.Final && c.callers == o.callers && wire.Alike(c.err, o.err)
}

// Format prints the text, whatever the verb: err may quote the request or the
// response.
func (c *Cause) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		io.WriteString(f, strconv.Quote(c.text))
		return
	}
	io.WriteString(f, c.text)
}

// Is makes errors.Is inspect the error without exposing it through Unwrap.
func (c *Cause) Is(target error) bool {
	if !c.callers && (target == context.DeadlineExceeded || target == context.Canceled) {
		return false
	}
	return errors.Is(c.err, target)
}

// As makes errors.As inspect the error without exposing it through Unwrap.
func (c *Cause) As(target any) bool {
	if _, ok := target.(**url.Error); ok {
		return false // a *url.Error contains the URL with its query
	}
	return errors.As(c.err, target)
}

// Timeout reports whether something took too long.
func (c *Cause) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](c.err)
	return ok && t.Timeout() || errors.Is(c.err, os.ErrDeadlineExceeded)
}

// expired is the error of an attempt that took too long.
type expired struct{ after time.Duration }

func (e *expired) Error() string        { return fmt.Sprintf("attempt timed out after %v", e.after) }
func (e *expired) Is(target error) bool { return target == os.ErrDeadlineExceeded }
func (e *expired) Timeout() bool        { return true }

// cause returns why the attempt failed.
func (a *attempt) cause(err error) *Cause {
	r := a.record
	switch {
	case r.ctx.Err() != nil:
		// Not the text of its cause: hooks and logs show no text of others.
		return &Cause{text: r.ctx.Err().Error(), err: r.contextError(), callers: true}
	case a.witness.repeated.Load():
		return &Cause{text: errRepeated.Error(), err: errRepeated}
	case a.ctx.Err() != nil:
		err = &expired{r.call.AttemptTimeout}
		return &Cause{text: err.Error(), err: err}
	}
	cause := r.sanitize(err)
	cause.Final = cause.Final || a.witness.certRejected.Load()
	return cause
}

// These are the texts by which net/http reports, over HTTP/2, that the server did
// not process a request: the server sent a GOAWAY with the number of an earlier
// stream, or reset the stream with REFUSED_STREAM (RFC 9113, sections 6.8 and 8.7).
// For some of these cases net/http has no error value to check. Text that a server
// controls, such as debug data, cannot match.
var (
	goneAway = regexp.MustCompile(`^http2: Transport received (Server's graceful shutdown GOAWAY|GOAWAY from server ErrCode:[\w ]+)$`)
	notSent  = regexp.MustCompile(`^http2: Transport: cannot retry err \[(http2: Transport received Server's graceful shutdown GOAWAY|stream error: stream ID \d+; REFUSED_STREAM; received from peer)\] after Request.Body was written; `)
)

// streamError has the shape that lets errors.As find net/http's unexported error of
// the same name.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprintf("stream error %d", e.Code) }

// refusedStream is the HTTP/2 error code REFUSED_STREAM (RFC 9113, section 7).
const refusedStream = 7

// unprocessed reports whether err says that the server did not process the request.
// An unknown error says nothing.
func unprocessed(err error) bool {
	if e, ok := errors.AsType[streamError](err); ok {
		return e.Code == refusedStream
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if text := err.Error(); goneAway.MatchString(text) || notSent.MatchString(text) {
			return true
		}
	}
	return false
}

// quoted matches the part of a malformed response that net/http quotes, as in
// malformed HTTP response "…".
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// sanitize returns a Cause for an error that may quote the request or the response.
func (r *record) sanitize(err error) *Cause {
	err = unwrapURLError(err)
	if c, ok := err.(*Cause); ok {
		return c
	}
	text := err.Error()
	switch {
	case is[textproto.ProtocolError](err):
		text = "malformed response" // the error's text quotes the line
	case strings.Contains(text, "HTTP/1.x transport connection broken"), strings.Contains(text, "http2: "):
		text = quoted.ReplaceAllString(text, `"…"`)
	}
	return &Cause{text: wire.Line(r.mask(text)), err: err, Final: final(err)}
}

// mask masks the token, queries and the body in a text that may quote the request.
func (r *record) mask(text string) string {
	var secrets []string
	for _, u := range append(r.followed[:len(r.followed):len(r.followed)], r.call.URL) {
		secrets = append(secrets, u.String(), u.RequestURI(), u.RawQuery)
		for _, values := range u.Query() {
			secrets = append(secrets, values...)
		}
	}
	for _, secret := range append(secrets, string(r.call.Body)) {
		if len(secret) > 3 && len(secret) <= len(text) {
			text = wire.MaskSecret(wire.MaskSecret(text, secret), asGo(secret))
		}
	}
	return wire.Mask(wire.Mask(text, r.token), asGo(r.token))
}

// asGo returns s as it appears between the quotes of a Go string.
func asGo(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// unwrapURLError returns the error inside a *url.Error, which contains the URL with
// its query. It also drops whatever wraps the *url.Error.
func unwrapURLError(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}

// final reports whether another attempt cannot help: an unknown host, a rejected
// certificate, a server that does not speak TLS.
func final(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && strings.HasSuffix(op.Op, " error") {
		// A "remote error" is a TLS alert. All but these two are final.
		text := op.Err.Error()
		return !strings.HasSuffix(text, "internal error") && !strings.HasSuffix(text, "user canceled")
	}
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) ||
		is[x509.CertificateInvalidError](err) ||
		is[*net.AddrError](err) ||
		is[tls.RecordHeaderError](err) ||
		errors.Is(err, http.ErrSchemeMismatch) ||
		strings.HasPrefix(err.Error(), "tls: ")
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
