// Package probe finds out how a Leedo server behaves where the documentation is
// silent, with few requests, and names the fake of package leedotest that behaves
// the same.
//
// A finding rests on evidence that rules out the other possibilities; where that is
// missing or contradicts itself, it is [Open]. No values of records are in
// findings, only the names of fields.
package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// MaxRequests is how many requests Run makes at most, unless Options.Exhaust is set.
const MaxRequests = 40

// Open is the result of a finding whose question is open. Finding.How then
// names the request that would settle it.
const Open = "cannot tell"

// ErrQuota is matched by the errors of a probe that the quota does not allow.
var ErrQuota = errors.New("the quota does not allow it")

// Options say how to probe.
type Options struct {
	// Client sends the requests. It must have been made with
	// leedo.WithoutRateLimiter, because a limiter would keep requests from being
	// sent that get a 429, and with an http.Client that makes one request for each
	// call: without redirects, and with a connection for each request, as net/http
	// may send a GET twice on one that was used before. Retries are switched off.
	Client *leedo.Client
	// Target names the API that the client sends to, such as its base URL, for the
	// report.
	Target string
	// Write creates a lead, and a second one if the server ignores the
	// Idempotency-Key. Without it Run only reads.
	Write bool
	// Exhaust uses up the quota after everything else, and then makes some requests
	// more.
	Exhaust bool
	// Wait waits until the quota is reset after Exhaust if a request then settles
	// more: up to an hour.
	Wait bool
	// Note is called with a line on what Run is about to do, or has created. The line
	// may have text from the server, with any characters in it. nil is not called.
	Note func(string)
}

// Finding is the result for one question.
type Finding struct {
	// Question is one of [Questions].
	Question string `json:"question"`
	// Result is what was found out, or Open.
	Result string `json:"answer"`
	// How says on what evidence, or which request is missing.
	How string `json:"how"`
}

// Report is what Run has found out.
type Report struct {
	// Date is when the probe began.
	Date time.Time `json:"date"`
	// BaseURL is Options.Target.
	BaseURL string `json:"base_url"`
	// Requests is how many requests were sent.
	Requests int `json:"requests"`
	// Created is the ids of the leads that Options.Write has created.
	Created []string `json:"created,omitempty"`
	// Findings has a finding for each question, in the order of [Questions].
	Findings []Finding `json:"findings"`
	// Server is the Go expression of the fake that behaves the same, as far as an
	// option of leedotest sets it and it was found out.
	Server string `json:"server"`

	options []option
}

// Run probes the server.
//
// The error is that of the first request, if it fails; it matches ErrQuota if fewer
// requests are left than Run may need, or the quota is used up in between. If ctx
// ends, it is that of ctx. In these cases there is no report. The error wraps a
// *leedo.UnknownOutcomeError, and there is a report, if a lead may or may not have been
// created.
func Run(ctx context.Context, opts Options) (*Report, error) {
	p := &prober{opts: opts, left: MaxRequests, found: make(map[string]Finding), shapes: make(map[string][]string), resources: make(map[string]*resource)}
	report := &Report{Date: time.Now().UTC().Truncate(time.Second), BaseURL: opts.Target}
	if err := p.run(ctx); err != nil {
		if p.unknown != nil {
			err = fmt.Errorf("%w; %w", err, p.unknown)
		}
		return nil, err
	}
	report.Requests, report.Created = p.sent, p.created
	for _, q := range questions {
		finding, ok := p.found[q.text]
		if !ok {
			finding = Finding{Result: Open, How: q.settle(opts)}
		}
		finding.Question = q.text
		report.Findings = append(report.Findings, finding)
	}
	report.options = p.fakeOptions()
	report.Server = expression(report.options)
	return report, p.unknown
}

// wrapped is an error with a text before that of the client, whose prefix it omits.
type wrapped struct {
	text string
	err  error
}

func (e *wrapped) Error() string { return e.text + ": " + strings.TrimPrefix(e.err.Error(), "leedo: ") }

func (e *wrapped) Unwrap() error { return e.err }

// prober is one run.
type prober struct {
	opts       Options
	left       int         // how many requests may still be made
	sent       int         // how many were made
	log        []*exchange // usable ones, in order
	last       error       // of the latest request; nil if it succeeded
	exhausting bool        // whether 429s are wanted

	found     map[string]Finding
	shapes    map[string][]string // of error bodies, by kind of error
	resources map[string]*resource
	quota     quota
	reset     *exchange // the request at the reset, after all others; nil if it was not made
	waitUntil string    // when that would be, if it may not be waited for
	created   []string
	stored    bool  // whether the new lead had the phone that it was created with
	unknown   error // why there may be a lead that is not in created
}

func (p *prober) run(ctx context.Context) error {
	steps := []func(context.Context) error{
		p.begin, p.readLists, p.readRecords, p.readPages, p.readErrors, p.readCosts,
	}
	if p.opts.Write {
		steps = append(steps, p.write)
	}
	steps = append(steps, p.readLargest) // takes more requests on some servers than on others
	if p.opts.Exhaust {
		steps = append(steps, p.exhaust)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	p.judgeErrors()
	p.judgeHeaders()
	p.judgeAlgorithm()
	p.judge429s()
	return nil
}

// note says what the probe is about to do, or has created.
func (p *prober) note(format string, args ...any) {
	if p.opts.Note != nil {
		p.opts.Note(fmt.Sprintf(format, args...))
	}
}

// finds records a finding.
func (p *prober) finds(question, result, how string, args ...any) {
	p.found[question] = Finding{Result: result, How: fmt.Sprintf(how, args...)}
}

// cannot records why a question stays open.
func (p *prober) cannot(question, how string, args ...any) {
	p.finds(question, Open, how, args...)
}
