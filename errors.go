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

// Outcome says whether a write was done; see [OutcomeOf]. The zero value is
// OutcomeUnknown.
type Outcome int

const (
	// OutcomeUnknown means that the write may or may not have been done: look
	// before repeating it.
	OutcomeUnknown Outcome = iota
	// OutcomeNotDone means that the write was not done: repeating it does no harm.
	// It is also the outcome of a read that failed.
	OutcomeNotDone
	// OutcomeDone means that the write was done: do not repeat it.
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

// OutcomeOf reports whether a write was done, from the error of its call, as returned
// or wrapped. A write was
//
//   - done if err is nil or a [*DecodeError];
//   - not done after a [*RateLimitError], [ErrInvalidArgument], an [*APIError] with a
//     3xx or 4xx status other than 302, 303 and 408, a [*TransportError] if the request
//     is known not to have been processed, or a context that ended before it was sent;
//   - perhaps done after any other error, such as an [*UnknownOutcomeError] or one
//     that is not of this package.
//
// The error of a GET or HEAD means not done. Of joined errors the least certain counts,
// and errors that contradict each other mean unknown. OutcomeOf relies on the status
// that the API sent.
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
		return joinedOutcome(e.Unwrap())
	}
	if err == ErrInvalidArgument {
		return OutcomeNotDone
	}
	return OutcomeUnknown
}

// joinedOutcome returns the outcome that all errs agree on, or OutcomeUnknown.
func joinedOutcome(errs []error) Outcome {
	all := OutcomeUnknown
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

// ofACall reports whether err is, or wraps, an error that a call returned.
func ofACall(err error) bool {
	_, ok := errors.AsType[interface {
		error
		outcome() Outcome
	}](err)
	return ok
}

// outcomeOfCall returns o for a write, and OutcomeNotDone for a read.
func outcomeOfCall(method string, o Outcome) Outcome {
	if method == http.MethodGet || method == http.MethodHead {
		return OutcomeNotDone
	}
	return o
}

func (e *invalidError) outcome() Outcome        { return OutcomeNotDone }
func (e *RateLimitError) outcome() Outcome      { return OutcomeNotDone }
func (e *UnknownOutcomeError) outcome() Outcome { return outcomeOfCall(e.Method, OutcomeUnknown) }

func (e *APIError) outcome() Outcome {
	if transport.NotDone(e.StatusCode) {
		return OutcomeNotDone
	}
	return outcomeOfCall(e.Method, OutcomeUnknown)
}

func (e *TransportError) outcome() Outcome {
	if e.notDone {
		return OutcomeNotDone
	}
	return outcomeOfCall(e.Method, OutcomeUnknown)
}

func (e *DecodeError) outcome() Outcome {
	if e.unknown {
		return outcomeOfCall(e.Method, OutcomeUnknown)
	}
	return outcomeOfCall(e.Method, OutcomeDone)
}

// outcome depends on the errors before the call ended. An attempt that failed was not
// done, unless its error is an UnknownOutcomeError or a DecodeError.
func (e *callError) outcome() Outcome {
	o := OutcomeNotDone
	for _, err := range e.errs {
		switch err.(type) {
		case *UnknownOutcomeError:
			return outcomeOfCall(e.method, OutcomeUnknown)
		case *DecodeError:
			o = OutcomeDone
		}
	}
	return outcomeOfCall(e.method, o)
}

// ErrInvalidArgument is the error of a call with an invalid argument or option, for
// use with [errors.Is]: an empty or unsafe id, nil params, a string that is not valid
// UTF-8, an option that does not apply to the call. No request was sent.
var ErrInvalidArgument error = sentinel("invalid argument")

// sentinel is an error that go-cmp can compare.
type sentinel string

func (e sentinel) Error() string { return string(e) }

// invalidError is an ErrInvalidArgument that says what is invalid.
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

// APIError is the error of a response that is not a success, or of a 2xx response whose
// body reports that the call failed. The documented statuses have types of their own,
// such as [*NotFoundError], which wrap an *APIError.
//
// It is safe to log: its text has no token, no query and, of the body, only Code and
// Message. Message may name the data that the API rejects.
type APIError struct {
	// StatusCode is the HTTP status. A 3xx is a redirect that was not followed.
	StatusCode int
	// Code is the API's machine-readable code, such as "not_found"; empty if there
	// is no code, or if it contains the token. (A token that is a short word of
	// lower-case letters, as in tests, may be part of a longer code.)
	Code string
	// Message is the API's message on one line of at most 200 runes. Control
	// characters are escaped, and a token of eight or more characters is masked.
	// Messages about fields follow the name of the field. It is empty if the body is
	// text or HTML. For a 404 without a code and message in response
	// to a List or Create it asks whether /v1 is missing, if the base URL has no path.
	Message string `json:"-"`
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// Method is the HTTP method of the call. Path is the template of its path, such
	// as "/leads/{id}", or the path given to [Client.Do].
	Method, Path string
	// Fields has the API's messages about each field of the request, for a form to
	// show: {"email": {"is invalid", "is too long"}}. Names of nested fields are
	// joined with dots, as in "address.city". There are at most 32 fields and 32
	// messages for each; names and messages are formatted like Message. It is nil if
	// the API named no field.
	Fields map[string][]string `json:"-"`
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is the quota as this response reported it.
	RateLimit RateLimit `json:"-"`
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the body of the response, at most its first 64 KiB.
	Body []byte `json:"-"`
}

// Error returns one line with method, path, status, code, message, request id and
// number of attempts.
func (e *APIError) Error() string {
	what := strconv.Itoa(e.StatusCode)
	switch {
	case e.Code != "":
		what += " " + e.Code
	case e.Message == "" && e.StatusCode/100 == 2:
		what += ": the response reports a failure"
	case e.Message == "":
		what = strings.TrimSpace(what + " " + http.StatusText(e.StatusCode))
	}
	if e.Message != "" {
		what += ": " + e.Message
	}
	return wire.Say(e.Method, e.Path, what) + suffix(e.RequestID, e.Attempts)
}

// Format prints Error() for all verbs but %#v, for which it prints the fields that are
// not secret.
func (e APIError) Format(f fmt.State, verb rune) {
	format(f, verb, e.Error(), fmt.Sprintf("leedo.APIError{StatusCode:%d, Code:%q, RequestID:%q, Method:%q, Path:%q, Attempts:%d}",
		e.StatusCode, e.Code, e.RequestID, e.Method, e.Path, e.Attempts))
}

// LogValue returns the fields that are safe to log, Message included, without header
// and body.
func (e APIError) LogValue() slog.Value {
	return logged(e.Method, e.Path, e.Message, slog.Int("status", e.StatusCode), slog.String("code", e.Code),
		slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// BadRequestError is a 400: the request is invalid. Message and Fields say why.
type BadRequestError struct{ APIError }

// UnauthorizedError is a 401: the token is missing, wrong or expired.
type UnauthorizedError struct{ APIError }

// ForbiddenError is a 403: the token does not permit the call.
type ForbiddenError struct{ APIError }

// NotFoundError is a 404: there is no such record, or no such path.
type NotFoundError struct{ APIError }

// ServerError is a 5xx: the API failed. For a write it is wrapped in an
// [*UnknownOutcomeError].
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

// UnknownOutcomeError is the error of a write that may or may not have been done: it
// was sent, and no response says whether it was done. Look before repeating it.
// [OutcomeOf] returns [OutcomeUnknown].
type UnknownOutcomeError struct {
	// Method and Path are those of the call, as in [APIError].
	Method, Path string
	// Err is the cause, such as a [*ServerError], a [*TransportError], an
	// [*APIError] with status 302 or 303, or a [*DecodeError].
	Err error `json:"-"`
}

// Error returns one line with the cause.
func (e *UnknownOutcomeError) Error() string {
	return wire.Say(e.Method, e.Path, "outcome unknown: ", e.Err)
}

// Unwrap returns Err.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// Equal reports whether e and o are equal, for tests with go-cmp. If Err is not of this
// package and has unexported fields, its type and text are compared.
func (e UnknownOutcomeError) Equal(o UnknownOutcomeError) bool { return wire.Same(e, o) }

// LogValue returns the text of the cause and its LogValue.
func (e *UnknownOutcomeError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e), slog.Bool("outcome_unknown", true), slog.Any("cause", loggable(e.Err)))
}

// DecodeError is the error of a 2xx response that is not usable: it is not JSON, does
// not fit the type, was cut (after a write), is too large, or is a page that breaks the
// rules of paging. Values in another form than documented are accepted if their meaning
// is clear: docs/responses.md in the repository lists these forms.
//
// A write with such a response was done, and RecordID is the id of its record if the
// response has it. But if the body is neither JSON nor empty, such as a maintenance page
// or a login page, and the response names no record, the write may not have been done:
// the DecodeError is then wrapped in an [*UnknownOutcomeError].
type DecodeError struct {
	// StatusCode is the HTTP status, a 2xx.
	StatusCode int
	// ContentType is the Content-Type of the response.
	ContentType string
	// Method and Path are those of the call, as in [APIError].
	Method, Path string
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// RecordID is the id of the record that was read or written: from the body,
	// else from the Location of the response, else the one requested. It is empty if
	// there is no such id, and for lists.
	RecordID string `json:"-"`
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is the quota as this response reported it.
	RateLimit RateLimit `json:"-"`
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the beginning of the body: at most 64 KiB, or 1 KiB if the page breaks
	// the rules of paging.
	Body []byte `json:"-"`
	// Err says what is wrong, without quoting the body: the number of the item, the
	// field and the kind of JSON value that it has.
	Err error `json:"-"`

	unknown bool // a write may not have been done: the response may not be the API's
}

// Error returns one line that says what is wrong.
func (e *DecodeError) Error() string {
	return wire.Say(e.Method, e.Path, fmt.Sprintf("unusable response %d: ", e.StatusCode), e.Err) + suffix(e.RequestID, e.Attempts)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// Equal reports whether e and o are equal, for tests with go-cmp: as
// [UnknownOutcomeError.Equal] does, and with the same [Outcome].
func (e DecodeError) Equal(o DecodeError) bool { return e.outcome() == o.outcome() && wire.Same(e, o) }

// Format prints Error() for all verbs but %#v, for which it prints the fields that are
// not secret.
func (e DecodeError) Format(f fmt.State, verb rune) {
	format(f, verb, e.Error(), fmt.Sprintf("leedo.DecodeError{StatusCode:%d, Method:%q, Path:%q, RequestID:%q, Attempts:%d}",
		e.StatusCode, e.Method, e.Path, e.RequestID, e.Attempts))
}

// LogValue returns the fields that are safe to log, without RecordID, header and body.
func (e DecodeError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e.Err), slog.Int("status", e.StatusCode),
		slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// TransportError is the error of a call that received no complete response: the host
// is unknown, the connection was refused or cut, an attempt took too long. An attempt
// that took too long matches [os.ErrDeadlineExceeded]; [context.DeadlineExceeded] and
// [context.Canceled] are matched only if the caller's context ended.
type TransportError struct {
	// Method and Path are those of the call, as in [APIError].
	Method, Path string
	// RequestID is the X-Request-Id of a response that was cut; empty if there was
	// no response, or it had none.
	RequestID string
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// Err is the cause. Its text contains neither token nor query.
	Err error `json:"-"`

	notDone bool // the server processed no request of the call
}

// Error returns one line with the cause.
func (e *TransportError) Error() string {
	return wire.Say(e.Method, e.Path, "no complete response: ", e.Err) + suffix(e.RequestID, e.Attempts)
}

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

// Equal reports whether e and o are equal, for tests with go-cmp: as
// [UnknownOutcomeError.Equal] does, and with the same [Outcome].
func (e TransportError) Equal(o TransportError) bool {
	return e.outcome() == o.outcome() && wire.Same(e, o)
}

// LogValue returns the text of the cause.
func (e *TransportError) LogValue() slog.Value {
	return logged(e.Method, e.Path, message(e.Method, e.Path, e.Err), slog.String("request_id", e.RequestID), slog.Int("attempts", e.Attempts))
}

// Timeout reports whether the cause is a timeout.
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

// clean returns a text from a response for an error: on one line, with the token masked.
func clean(resp *transport.Response, s string) string { return wire.Line(wire.Mask(s, resp.Token)) }

func (k *call) unknownOutcome(err error) error {
	return &UnknownOutcomeError{k.request.Method, k.request.Template, err}
}

// invalid returns the error of an invalid argument or option.
func (k *call) invalid(err error) error {
	if !errors.Is(err, ErrInvalidArgument) {
		err = invalid("%w", err)
	}
	return k.join(err)
}

// join returns one error for several, without those that are nil.
func (k *call) join(errs ...error) error {
	return &callError{k.request.Method, k.request.Template, slices.DeleteFunc(errs, func(err error) bool { return err == nil })}
}

// transportError returns the error of a call without a complete response; resp is nil
// or the incomplete one.
func (k *call) transportError(resp *transport.Response, cause error) error {
	e := &TransportError{Method: k.request.Method, Path: k.request.Template, Attempts: k.result.Attempts, Err: cause, notDone: !k.result.Unknown}
	if resp != nil {
		e.RequestID = clean(resp, resp.Header.Get("X-Request-Id"))
	}
	return e
}

// decodeError returns the error of a 2xx response that is not usable, wrapped in an
// UnknownOutcomeError if it does not prove that a write was done.
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

// callError is the error of a call that ended for another reason than its last
// attempt, such as its context, joined with the errors of attempts before.
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

// logged returns the LogValue of an error of a call.
func logged(method, path, message string, attrs ...slog.Attr) slog.Value {
	return slog.GroupValue(append([]slog.Attr{
		slog.String("method", method), slog.String("path", path), slog.String("message", message),
	}, attrs...)...)
}

// message returns the text of err, an error of a call, without its method and path.
func message(method, path string, err error) string {
	return strings.TrimPrefix(wire.Say(method, path, "", err), wire.Say(method, path, ""))
}

// loggable returns err as a value for a log.
func loggable(err error) any {
	if v, ok := err.(slog.LogValuer); ok {
		return v
	}
	if err == nil {
		return nil
	}
	return err.Error()
}

// suffix returns the end of an error's text, which helps to find the call in the logs of
// the API.
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
