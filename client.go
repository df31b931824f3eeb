package leedo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/trip"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Client calls the Leedo API with one token. Make it with [NewClient]; the
// zero value is of no use. It is immutable and safe for concurrent use, needs
// no closing, and prints without its token.
type Client struct {
	// Leads reads and writes leads.
	Leads *LeadsService
	// Accounts reads and writes accounts.
	Accounts *AccountsService
	// Contacts reads and writes contacts.
	Contacts *ContactsService
	// Campaigns reads campaigns.
	Campaigns *CampaignsService

	config  *config
	limiter *RateLimiter
	trip    *trip.Trip
}

// NewClient returns a client that sends token to the API. A token is one or
// more visible ASCII characters, without the word Bearer, quotes or white space
// around it; any other is [ErrInvalidArgument], with a text that says what is
// wrong and does not quote it. So are invalid options. nil options are ignored.
// Nothing is sent.
func NewClient(token string, opts ...Option) (*Client, error) {
	cfg := defaults()
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	return cfg.client("token", token)
}

// NewClientFromEnv is NewClient with the token in the environment variable
// LEEDO_API_TOKEN and, unless LEEDO_BASE_URL is unset or blank, that base URL.
// White space around either is removed. An error about one of them names the
// variable. Options win over the environment.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	cfg := defaults()
	if base := strings.TrimSpace(os.Getenv(baseURLVariable)); base != "" {
		cfg.baseURL, cfg.baseName = base, baseURLVariable
	}
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	if cfg.token != nil {
		return cfg.client(tokenVariable, "")
	}
	token, set := os.LookupEnv(tokenVariable)
	if !set {
		return nil, invalid("%s is not set", tokenVariable)
	}
	if trimmed := strings.TrimSpace(token); trimmed != "" {
		token = trimmed // files end in newlines
	}
	return cfg.client(tokenVariable, token)
}

// The environment variables that [NewClientFromEnv] reads.
const (
	tokenVariable   = "LEEDO_API_TOKEN"
	baseURLVariable = "LEEDO_BASE_URL"
)

// RateLimit returns what the answers told of the quota. Nothing is sent.
func (c *Client) RateLimit() RateLimit { return c.limiter.RateLimit() }

// Format prints the client without its token, whatever the verb.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, "leedo.Client{token: ***}") }

// LogValue is the client without its token.
func (c Client) LogValue() slog.Value { return slog.StringValue("leedo.Client{token: ***}") }

// Do makes a call that this package has no method for. It goes the same way as
// all others: token, limiter, retries, errors. Every method but GET and HEAD
// is a write; OPTIONS, TRACE and CONNECT are [ErrInvalidArgument].
//
// path is relative to the base URL, begins with "/" and is escaped already:
// "/leads/"+url.PathEscape(id). A query ([WithQuery] sends one), a fragment, an
// origin or a dot segment in it is [ErrInvalidArgument].
//
// body is encoded with encoding/json; nil sends none. For JSON that is ready
// use [json.RawMessage]. GET and HEAD take none. A body that cannot be encoded,
// or that has a string in it that is not valid UTF-8, is [ErrInvalidArgument];
// the error names the field and never a value. Types with a MarshalJSON or
// MarshalText method decide for themselves what their strings become.
//
// out is a pointer that the response is decoded into, as encoding/json does and
// where that fails with the tolerance of all calls; a response that is not one
// JSON value that fits is a [*DecodeError], which may leave out partly set. With
// nil any 2xx will do, 204 too. To read custom fields, let out embed the type of
// this package:
//
//	var my struct {
//		leedo.Lead
//		Score int `json:"score"`
//	}
//	err := client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &my)
//
// A list of such a type T is read into a [Page] of T.
func (c *Client) Do(ctx context.Context, method, path string, body, out any, opts ...RequestOption) error {
	k := newCall(c, method, path)
	read := func(h http.Header, body []byte) error {
		if wire.Failed(body) {
			return errFailed
		}
		return wire.Decode(h, body, out)
	}
	if out == nil {
		read = nil
	}
	return k.run(ctx, false, read, k.Check(body, out), k.apply(opts), k.Encode(body))
}

func (cfg *config) apply(opts []Option) (err error) {
	for i := 0; i < len(opts) && err == nil; i++ {
		if opts[i] != nil {
			err = opts[i].applyClient(cfg)
		}
	}
	return err
}

// client makes the client that cfg describes. Errors call the token by its
// name.
func (cfg *config) client(name, token string) (*Client, error) {
	var err error
	if cfg.base, err = wire.ParseBase(cfg.baseURL, cfg.insecure, token); err != nil {
		return nil, invalid("%s %w", cfg.baseName, err)
	}
	switch {
	case cfg.token != nil && token != "":
		return nil, invalid("the token must be empty with WithTokenSource")
	case cfg.token == nil:
		if err := wire.CheckToken(name, token); err != nil {
			return nil, invalid("%w", err)
		}
		// Kept in a closure, where no printing of structs finds it.
		bearer := "Bearer " + token
		cfg.token = func(context.Context) (string, error) { return bearer, nil }
	}
	if cfg.limiter == nil {
		cfg.limiter, _ = NewRateLimiter(nil)
	}
	if cfg.attemptTimeout == nil {
		cfg.attemptTimeout = new(cmp.Or(cfg.httpClient.Timeout, 30*time.Second))
	}
	cfg.header = http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}}
	c := &Client{config: cfg, limiter: cfg.limiter, trip: trip.New(trip.Config{
		Base: cfg.base, HTTPClient: cfg.httpClient, Authorization: cfg.token, Ledger: cfg.limiter.ledger, Limited: !cfg.unlimited,
		MaxBody: cfg.maxBody, BackoffMin: cfg.backoffMin, BackoffMax: cfg.backoffMax,
		Logger: cfg.logger, OnAttempt: cfg.hooks.attempt, OnWait: cfg.hooks.wait,
	})}
	s := &struct{ client *Client }{c} // what a service is, whatever its name
	c.Leads, c.Accounts, c.Contacts, c.Campaigns = (*LeadsService)(s), (*AccountsService)(s), (*ContactsService)(s), (*CampaignsService)(s)
	return c, nil
}

// call is one call on its way to the server and back.
type call struct {
	settings
	trip.Call
	client     *Client
	plan       *walk.Plan // of the walk that it is one of the calls of; nil: none
	idempotent bool
	decodes    bool // the answer is to be decoded
	collection bool // a List or Create of a service: a 404 is not about a missing record
	response   *Response
	result     *trip.Result
}

func newCall(c *Client, method, template string) *call {
	k := &call{client: c}
	k.Method, k.Template = method, template
	if c != nil && c.config != nil {
		k.settings, k.Header = c.config.settings, c.config.header
	}
	return k
}

func (k *call) apply(opts []RequestOption) (err error) {
	for i := 0; i < len(opts) && err == nil; i++ {
		if opts[i] != nil {
			err = opts[i].applyCall(k)
		}
	}
	return err
}

// run makes the call, unless there are problems. read decodes the answer and
// tells what is wrong with it; nil: any success will do. lent tells that read
// keeps nothing of the answer's body.
func (k *call) run(ctx context.Context, lent bool, read func(http.Header, []byte) error, problems ...error) error {
	if ctx == nil || k.client == nil || k.client.config == nil {
		problems = append(problems, errors.New("nil context, or a client that NewClient did not make"))
	}
	for _, err := range problems {
		if err != nil {
			return k.refuse(err)
		}
	}
	k.decodes = read != nil
	k.BodyWanted, k.BodyLent = k.needsBody(), lent && k.response == nil
	k.Class, k.Write, k.Repeatable = quota.Class(k.urgency()), !k.Reads(), k.Reads() || k.idempotent
	k.Retries, k.AttemptTimeout, k.MaxWait = k.retries, *k.attemptTimeout, k.maxWait
	k.result = k.client.trip.Go(ctx, &k.Call)
	k.respond()
	err := k.failure()
	if err == nil {
		err = k.check(read)
	}
	k.result.Release(k.plan != nil) // a page may yet turn out to break the rules
	return err
}

// errFailed says that the body of a success reports that the call failed.
var errFailed = errors.New("reported as failed")

// check decodes a success with read, unless that is nil, and returns the error
// of one that is not what was asked for, or that reports that the call failed.
func (k *call) check(read func(http.Header, []byte) error) error {
	a := k.result.Answer
	var err error
	switch {
	case read != nil:
		err = read(a.Header, a.Body)
	case a.BodyErr == nil && wire.Failed(a.Body):
		err = errFailed
	}
	switch {
	case err == errFailed && k.Write:
		return &UnknownOutcomeError{k.Method, k.Template, k.apiError(a)}
	case err == errFailed:
		return k.apiError(a)
	case err != nil:
		return k.decodeError(err)
	}
	return nil
}

// failure names what the trip came to; nil if to an answer that can be used.
func (k *call) failure() error {
	r, err := k.result, k.last()
	switch end := r.End.(type) {
	case nil:
	case *quota.Refusal:
		limited := k.rateLimitError(end.Until, k.client.RateLimit(), r.Refused)
		if _, again := err.(*RateLimitError); err == nil || again {
			err = limited
		} else { // what the attempt before had come to
			err = k.join(limited, err)
		}
	default:
		first := error(end)
		if r.InFlight {
			first = k.transportError(r.Cut, end)
		}
		err = k.join(first, err)
	}
	if r.Redirect != nil {
		err = k.join(r.Redirect, err)
	}
	if r.Unknown && (r.Answer == nil || !r.Answer.Success()) {
		err = &UnknownOutcomeError{k.Method, k.Template, err}
	}
	return err
}

// join makes one error of several; nil ones do not count.
func (k *call) join(errs ...error) error {
	return &callError{k.Method, k.Template, slices.DeleteFunc(errs, func(err error) bool { return err == nil })}
}

// refuse is the error of a call that makes no sense.
func (k *call) refuse(err error) error {
	if !errors.Is(err, ErrInvalidArgument) {
		err = invalid("%w", err)
	}
	return k.join(err)
}

// respond fills the caller's Response.
func (k *call) respond() {
	if k.response == nil {
		return
	}
	*k.response = Response{Attempts: k.result.Attempts}
	if a := cmp.Or(k.result.Answer, k.result.Refused); a != nil {
		k.response.StatusCode, k.response.Header, k.response.Body = a.Status, a.Header, a.Body
		k.response.RequestID, k.response.RateLimit = clean(a, a.Header.Get("X-Request-Id")), RateLimit(a.Rate)
	}
}
