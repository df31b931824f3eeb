package leedo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Outcome is what is known of a write after a call; see [OutcomeOf]. The zero
// value is OutcomeUnknown.
type Outcome int

const (
	// OutcomeUnknown is a write that may or may not have been done: look before
	// repeating it.
	OutcomeUnknown Outcome = iota
	// OutcomeNotDone is a write that was not done: repeating it does no harm. It
	// is also the outcome of every read.
	OutcomeNotDone
	// OutcomeDone is a write that was done: do not repeat it.
	OutcomeDone
)

// String returns "unknown", "not done" or "done".
func (o Outcome) String() string {
	switch o {
	case OutcomeNotDone:
		return "not done"
	case OutcomeDone:
		return "done"
	}
	return "unknown"
}

// OutcomeOf reports whether the write that returned err was done. err is the
// error as the call returned it, or wrapped; nil means done, and the error of a
// GET or HEAD not done. A write was
//
//   - done after a [*DecodeError]: the response is a success that is not usable;
//   - not done after a [*RateLimitError], [ErrInvalidArgument], an [*APIError]
//     with a 3xx or 4xx but 302, 303 and 408, a [*TransportError] when the
//     request is known not to have been sent, or when the context ended before;
//   - perhaps done after everything else, [*UnknownOutcomeError] and errors that
//     are not of this package included.
//
// Of errors that are joined the least certain counts, and two that contradict
// each other leave the outcome unknown. OutcomeOf trusts the status: a server
// that does what it rejects, or rejects what it reports as done, misleads it.
func OutcomeOf(err error) Outcome {
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		return OutcomeUnknown
	}
	switch e := err.(type) {
	case nil:
		return OutcomeDone
	case *UnknownOutcomeError, *APIError, *TransportError, *DecodeError, *RateLimitError, *callError, *invalidError:
		return err.(interface{ outcome() Outcome }).outcome()
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			return OutcomeOf(cause)
		}
	case interface{ Unwrap() []error }:
		return leastCertain(e.Unwrap())
	}
	if err == ErrInvalidArgument {
		return OutcomeNotDone
	}
	return OutcomeUnknown
}

func leastCertain(errs []error) Outcome {
	all := OutcomeUnknown // of no error
	for _, err := range errs {
		if err == nil {
			continue
		}
		o := OutcomeOf(err)
		if all == OutcomeUnknown {
			all = o
		}
		if o == OutcomeUnknown || o != all {
			return OutcomeUnknown
		}
	}
	return all
}

// ofCall is the outcome of a call that is o if the call is a write.
func ofCall(method string, o Outcome) Outcome {
	if method == http.MethodGet || method == http.MethodHead {
		return OutcomeNotDone
	}
	return o
}

func (e *invalidError) outcome() Outcome        { return OutcomeNotDone }
func (e *RateLimitError) outcome() Outcome      { return OutcomeNotDone }
func (e *UnknownOutcomeError) outcome() Outcome { return ofCall(e.Method, OutcomeUnknown) }

func (e *APIError) outcome() Outcome {
	if transport.NotDone(e.StatusCode) {
		return OutcomeNotDone
	}
	return ofCall(e.Method, OutcomeUnknown)
}

func (e *TransportError) outcome() Outcome {
	if e.notDone {
		return OutcomeNotDone
	}
	return ofCall(e.Method, OutcomeUnknown)
}

func (e *DecodeError) outcome() Outcome {
	if e.unknown {
		return ofCall(e.Method, OutcomeUnknown)
	}
	return ofCall(e.Method, OutcomeDone)
}

// outcome goes by what came before the end of the call, which changed nothing.
// What failed before was not done either, or it is an UnknownOutcomeError.
func (e *callError) outcome() Outcome {
	o := OutcomeNotDone
	for _, err := range e.errs {
		switch err.(type) {
		case *UnknownOutcomeError:
			return ofCall(e.method, OutcomeUnknown)
		case *DecodeError:
			o = OutcomeDone
		}
	}
	return ofCall(e.method, o)
}

// ErrInvalidArgument is matched by the errors of calls whose arguments are
// invalid: an empty or unsafe id, nil params, a string that is not valid UTF-8,
// an option that means nothing where it is given. Nothing was sent.
var ErrInvalidArgument error = sentinel("invalid argument")

// sentinel is an error that is nothing but its text, and that go-cmp can compare.
type sentinel string

func (e sentinel) Error() string { return string(e) }

// invalidError is an ErrInvalidArgument that says which.
type invalidError struct{ err error }

func invalid(format string, args ...any) error {
	return &invalidError{fmt.Errorf(format, args...)}
}

func (e *invalidError) Error() string   { return wire.Say("", "", "invalid argument: ", e.err) }
func (e *invalidError) Unwrap() []error { return []error{ErrInvalidArgument, e.err} }

func (e invalidError) Equal(o invalidError) bool { return wire.Alike(e.err, o.err) }

func (e *invalidError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("message", message("", "", e)))
}

// APIError is a response that is not a success, or a success whose body reports
// that the call failed all the same: StatusCode is a 2xx then. Responses with
// one of the documented status codes come as a type of their own, such as
// [*NotFoundError], which unwraps to *APIError; other ones as *APIError itself.
//
// It is safe to log: its texts hold no token, no query and no body. Of the body
// they hold Code, and Error() and LogValue also Message, which may name what the
// API rejects.
type APIError struct {
	// StatusCode is the HTTP status. A 3xx is a redirect that was not followed.
	StatusCode int
	// Code is the API's machine-readable code, such as "not_found"; empty if
	// it gave none. It is never altered: a code that contains the token is left
	// out, unless the token is a short word of lower-case letters, as tests use
	// them, and the code a longer name, such as "validation_failed".
	Code string
	// Message is the API's message on one line: at most 200 runes, control
	// characters escaped, the token masked. The words about a field follow its
	// name. It is empty when the body is text or HTML rather than JSON. A token
	// of less than eight characters is not masked. Of a 404 to a List or Create
	// it asks whether /v1 is missing if the base URL has no path and the body no
	// message of the API.
	Message string `json:"-"`
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// Method is the HTTP method of the call; Path the template of its path,
	// such as "/leads/{id}", for [Client.Do] the path as it was given.
	Method, Path string
	// Fields is what the API says about each field of the request, to be shown
	// beside the inputs of a form: {"email": {"is invalid", "is too long"}}.
	// Fields inside others are joined with dots, as in "address.city". It has
	// at most 32 fields and 32 texts for each; names and texts are at most 200
	// runes, control characters escaped, the token masked. It is nil if the API
	// named no field.
	Fields map[string][]string `json:"-"`
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is what this response reported of the quota.
	RateLimit RateLimit `json:"-"`
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the body of the response, at most its first 64 KiB.
	Body []byte `json:"-"`
}

// Error returns one line: method, path, status, code, message, request id and
// attempts.
func (e *APIError) Error() string {
	what := strconv.Itoa(e.StatusCode)
	switch {
	case e.Code != "":
		what += " " + e.Code
	case e.Message == "" && e.StatusCode/100 == 2:
		what += ": reported as failed"
	case e.Message == "":
		what = strings.TrimSpace(what + " " + http.StatusText(e.StatusCode))
	}
	if e.Message != "" {
		what += ": " + e.Message
	}
	return wire.Say(e.Method, e.Path, what) + suffix(e.RequestID, e.Attempts)
}

// Format prints Error() for all verbs, but for %#v the fields that are safe to
// be seen.
func (e APIError) Format(f fmt.State, verb rune) {
	format(f, verb, e.Error(), fmt.Sprintf("leedo.APIError{StatusCode:%d, Code:%q, RequestID:%q, Method:%q, Path:%q, Attempts:%d}",
		e.StatusCode, e.Code, e.RequestID, e.Method, e.Path, e.Attempts))
}

// LogValue returns what may stand in a log: Message, but neither header nor
// body.
func (e APIError) LogValue() slog.Value {
	return logged(e.Method, e.Path, e.Message, slog.Int("status", e.StatusCode), slog.String("code", e.Code),
		slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// BadRequestError is a 400: the API found the request invalid. Message names
// what is wrong with it.
type BadRequestError struct{ APIError }

// UnauthorizedError is a 401: the token is missing, wrong or expired.
type UnauthorizedError struct{ APIError }

// ForbiddenError is a 403: the token may not do this.
type ForbiddenError struct{ APIError }

// NotFoundError is a 404: there is no such resource.
type NotFoundError struct{ APIError }

// ServerError is a 5xx: something went wrong on the API's side. On a write it
// comes inside an [*UnknownOutcomeError].
type ServerError struct{ APIError }

// Unwrap returns the *APIError inside.
func (e *BadRequestError) Unwrap() error { return &e.APIError }

// Unwrap returns the *APIError inside.
func (e *UnauthorizedError) Unwrap() error { return &e.APIError }

// Unwrap returns the *APIError inside.
func (e *ForbiddenError) Unwrap() error { return &e.APIError }

// Unwrap returns the *APIError inside.
func (e *NotFoundError) Unwrap() error { return &e.APIError }

// Unwrap returns the *APIError inside.
func (e *ServerError) Unwrap() error { return &e.APIError }

// UnknownOutcomeError is a write that may or may not have been done: it was
// sent, and no response that settles it came back. Look before repeating it.
// [OutcomeOf] reports [OutcomeUnknown].
type UnknownOutcomeError struct {
	// Method and Path are the call's, as in [APIError].
	Method, Path string
	// Err is what went wrong: a [*ServerError], a [*TransportError], a redirect
	// with 302 or 303, a [*DecodeError] with a page of text and so on.
	Err error `json:"-"`
}

// Error returns one line with the cause.
func (e *UnknownOutcomeError) Error() string {
	return wire.Say(e.Method, e.Path, "outcome unknown: ", e.Err)
}

// Unwrap returns Err.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// Equal reports whether e and o are the same, for tests with go-cmp. If Err is
// not of this package and has unexported fields, only its type and text are compared.
func (e UnknownOutcomeError) Equal(o UnknownOutcomeError) bool { return wire.Same(e, o) }

// LogValue returns the text of the cause, and the cause with its own LogValue.
func (e *UnknownOutcomeError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e), slog.Bool("outcome_unknown", true), slog.Any("cause", loggable(e.Err)))
}

// DecodeError is a success that is not what was asked for: not JSON, of
// another shape, cut short after a write, too large, or a page that breaks the
// rules of paging. A write that ends so was done: RecordID says what it made or
// changed, if the response does. The exception is a text that is neither JSON nor
// empty and names no record, such as a maintenance page or a login page: it comes
// inside an [*UnknownOutcomeError].
type DecodeError struct {
	// StatusCode is the HTTP status, a 2xx.
	StatusCode int
	// ContentType is the Content-Type of the response.
	ContentType string
	// Method and Path are the call's, as in [APIError].
	Method, Path string
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// RecordID is the id of the record that was read or written: from the body,
	// which may be unusable otherwise, or the Location of the response, else the
	// id that was requested. Empty if none of them names one, and for lists.
	RecordID string `json:"-"`
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is what this response reported of the quota.
	RateLimit RateLimit `json:"-"`
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the beginning of the body: at most 64 KiB, and 1 KiB of a page
	// that breaks the rules of paging.
	Body []byte `json:"-"`
	// Err says what is wrong, without quoting the body: which item of a list,
	// which field, and the kind of JSON found there.
	Err error `json:"-"`

	unknown bool // whether a write was done: the body is not a response of the API
}

// Error returns one line with what is wrong.
func (e *DecodeError) Error() string {
	return wire.Say(e.Method, e.Path, fmt.Sprintf("unusable response %d: ", e.StatusCode), e.Err) + suffix(e.RequestID, e.Attempts)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// Equal reports whether e and o are the same, as [UnknownOutcomeError.Equal] does, and
// mean the same to [OutcomeOf].
func (e DecodeError) Equal(o DecodeError) bool { return e.outcome() == o.outcome() && wire.Same(e, o) }

// Format prints Error() for all verbs, but for %#v the fields that are safe to
// be seen.
func (e DecodeError) Format(f fmt.State, verb rune) {
	format(f, verb, e.Error(), fmt.Sprintf("leedo.DecodeError{StatusCode:%d, Method:%q, Path:%q, RequestID:%q, Attempts:%d}",
		e.StatusCode, e.Method, e.Path, e.RequestID, e.Attempts))
}

// LogValue returns what may stand in a log: neither id nor header nor body.
func (e DecodeError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e.Err), slog.Int("status", e.StatusCode),
		slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// TransportError is a call to which no response came, or none that is complete:
// the host is unknown, the connection was refused or cut, an attempt took too
// long. An attempt that took too long matches [os.ErrDeadlineExceeded]; errors
// of package context are matched only when the caller's context ended.
type TransportError struct {
	// Method and Path are the call's, as in [APIError].
	Method, Path string
	// RequestID is the X-Request-Id of a response that was cut; empty if it had
	// none, or no response came.
	RequestID string
	// Attempts is how many requests the call made.
	Attempts int
	// Err is the cause; its text holds neither token nor query.
	Err error `json:"-"`

	notDone bool // no request of the call can have been carried out
}

// Error returns one line with the cause.
func (e *TransportError) Error() string {
	return wire.Say(e.Method, e.Path, "no complete response: ", e.Err) + suffix(e.RequestID, e.Attempts)
}

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

// Equal reports whether e and o are the same, as [UnknownOutcomeError.Equal] does, and
// mean the same to [OutcomeOf].
func (e TransportError) Equal(o TransportError) bool {
	return e.outcome() == o.outcome() && wire.Same(e, o)
}

// LogValue returns the text of the cause.
func (e *TransportError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e.Err), slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// Timeout reports whether the cause is that something took too long.
func (e *TransportError) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

func (k *call) apiError(resp *transport.Response) *APIError {
	read := wire.ReadProblem
	if resp.Success() {
		read = wire.ReadReport
	}
	problem := read(resp.Body, resp.Token)
	if resp.Redirect != "" {
		problem = wire.Problem{Message: clean(resp, "redirect to "+resp.Redirect+" not followed")}
	}
	if resp.Status == http.StatusNotFound && problem.Code == "" && problem.Message == "" && k.collection && k.client.config.base.Path == "" {
		problem.Message = "is /v1 missing from the base URL?"
	}
	return &APIError{
		StatusCode: resp.Status,
		Code:       problem.Code,
		Message:    problem.Message,
		RequestID:  clean(resp, resp.Header.Get("X-Request-Id")),
		Method:     k.request.Method,
		Path:       k.request.Template,
		Fields:     problem.Fields,
		Attempts:   k.result.Attempts,
		RateLimit:  RateLimit(resp.Rate),
		Header:     resp.Header,
		Body:       bytes.Clone(resp.Body), // the caller's Response has it, too
	}
}

// clean returns what a response says as text for an error: one line, without
// the token.
func clean(resp *transport.Response, s string) string { return wire.Line(wire.Mask(s, resp.Token)) }

func (k *call) unknownOutcome(err error) error {
	return &UnknownOutcomeError{k.request.Method, k.request.Template, err}
}

// invalid is the error of an argument or an option that is not valid.
func (k *call) invalid(err error) error {
	if !errors.Is(err, ErrInvalidArgument) {
		err = invalid("%w", err)
	}
	return k.join(err)
}

// join makes one error of several; nil ones do not count.
func (k *call) join(errs ...error) error {
	return &callError{k.request.Method, k.request.Template, slices.DeleteFunc(errs, func(err error) bool { return err == nil })}
}

// transportError is the error of a response that did not come, or did not come
// whole: resp is as far as it came, or nil.
func (k *call) transportError(resp *transport.Response, cause error) error {
	e := &TransportError{Method: k.request.Method, Path: k.request.Template, Attempts: k.result.Attempts, Err: cause, notDone: !k.result.Unknown}
	if resp != nil {
		e.RequestID = clean(resp, resp.Header.Get("X-Request-Id"))
	}
	return e
}

// decodeError is the error of a success that is not what was asked for. Around
// that of a write that is not known to be done is an UnknownOutcomeError.
func (k *call) decodeError(err error) error {
	resp := k.result.Response
	e := &DecodeError{
		StatusCode:  resp.Status,
		ContentType: clean(resp, resp.Header.Get("Content-Type")),
		Method:      k.request.Method,
		Path:        k.request.Template,
		RequestID:   clean(resp, resp.Header.Get("X-Request-Id")),
		RecordID:    k.recordID(resp),
		Attempts:    k.result.Attempts,
		RateLimit:   RateLimit(resp.Rate),
		Header:      resp.Header,
		Body:        bytes.Clone(resp.Body[:min(len(resp.Body), 64<<10)]),
		Err:         err,
		unknown:     !k.done(resp),
	}
	if e.unknown {
		return k.unknownOutcome(e)
	}
	return e
}

// recordID returns the id of the record that a response is about.
func (k *call) recordID(resp *transport.Response) string {
	if k.collection && k.request.Reads() {
		return "" // a list
	}
	return wire.RecordID(resp.Header, resp.Body, k.request.URL(k.client.config.base), k.request.ID)
}

// callError is a call that ended for a reason of the caller's, such as its
// context, joined with what had gone wrong before.
type callError struct {
	method, path string
	errs         []error
}

func (e *callError) Error() string   { return wire.Say(e.method, e.path, "", e.errs...) }
func (e *callError) Unwrap() []error { return e.errs }

func (e callError) Equal(o callError) bool {
	return e.method == o.method && e.path == o.path && slices.EqualFunc(e.errs, o.errs, wire.Alike)
}

func (e *callError) LogValue() slog.Value {
	attrs := make([]slog.Attr, len(e.errs))
	for i, err := range e.errs {
		name := "error"
		if i > 0 {
			name = "before"
		}
		attrs[i] = slog.Any(name, loggable(err))
	}
	return logged(e.method, e.path, message(e.method, e.path, e), attrs...)
}

// logged is the LogValue of an error of a call.
func logged(method, path, message string, attrs ...slog.Attr) slog.Value {
	return slog.GroupValue(append([]slog.Attr{
		slog.String("method", method), slog.String("path", path), slog.String("message", message),
	}, attrs...)...)
}

// message is the text of err, an error of the call, without naming the call.
func message(method, path string, err error) string {
	return strings.TrimPrefix(wire.Say(method, path, "", err), wire.Say(method, path, ""))
}

// loggable returns err as a value that the log may hold.
func loggable(err error) any {
	if v, ok := err.(slog.LogValuer); ok {
		return v
	}
	if err == nil {
		return nil
	}
	return err.Error()
}

// suffix is the end of an error's line: what helps to find the call in the logs
// of the API.
func suffix(requestID string, attempts int) string {
	if requestID != "" {
		requestID = "request " + requestID + ", "
	}
	return " (" + requestID + wire.Attempts(attempts) + ")"
}

func format(f fmt.State, verb rune, text, gosyntax string) {
	switch {
	case verb == 'v' && f.Flag('#'):
		text = gosyntax
	case verb == 'q':
		text = strconv.Quote(text)
	}
	io.WriteString(f, text)
}
