package probe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// option is an option of the fake, and the Go expression for it.
type option struct {
	text string
	set  leedotest.ServerOption
}

// Fake returns a new fake with the options that Report.Server names.
func (r *Report) Fake() *leedotest.Server {
	var opts []leedotest.ServerOption
	for _, o := range r.options {
		opts = append(opts, o.set)
	}
	return leedotest.NewServer(opts...)
}

func expression(options []option) string {
	var texts []string
	for _, o := range options {
		texts = append(texts, o.text)
	}
	return "leedotest.NewServer(" + strings.Join(texts, ", ") + ")"
}

var (
	resetFormats = map[string]option{
		epochMilliseconds: {"leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)", leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)},
		deltaSeconds:      {"leedotest.WithResetFormat(leedotest.ResetDeltaSeconds)", leedotest.WithResetFormat(leedotest.ResetDeltaSeconds)},
		httpDate:          {"leedotest.WithResetFormat(leedotest.ResetHTTPDate)", leedotest.WithResetFormat(leedotest.ResetHTTPDate)},
		rfc3339:           {"leedotest.WithResetFormat(leedotest.ResetRFC3339)", leedotest.WithResetFormat(leedotest.ResetRFC3339)},
	}
	algorithms = map[string]option{
		slidingLog:     {"leedotest.WithAlgorithm(leedotest.SlidingLog)", leedotest.WithAlgorithm(leedotest.SlidingLog)},
		slidingCounter: {"leedotest.WithAlgorithm(leedotest.SlidingCounter)", leedotest.WithAlgorithm(leedotest.SlidingCounter)},
		tokenBucket:    {"leedotest.WithAlgorithm(leedotest.TokenBucket)", leedotest.WithAlgorithm(leedotest.TokenBucket)},
	}
	retryAfters = map[string]option{
		httpDate:   {"leedotest.WithRetryAfter(leedotest.RetryAfterDate)", leedotest.WithRetryAfter(leedotest.RetryAfterDate)},
		"not sent": {"leedotest.WithRetryAfter(leedotest.RetryAfterNone)", leedotest.WithRetryAfter(leedotest.RetryAfterNone)},
	}
	cost429s = map[string]option{"yes": {"leedotest.WithCountedRefusals()", leedotest.WithCountedRefusals()}}
	keys     = map[string]option{keyWorks: {"leedotest.WithIdempotencyKeys()", leedotest.WithIdempotencyKeys()}}
)

// fakeOptions returns the options that differ from the fake's defaults.
func (p *prober) fakeOptions() []option {
	var options []option
	if p.quota.known {
		options = append(options, plan(p.quota.limit))
	}
	for _, o := range []struct {
		question string
		options  map[string]option
	}{
		{askReset, resetFormats}, {askAlgorithm, algorithms}, {askRetryAfter, retryAfters}, {askCost429, cost429s}, {askKey, keys},
	} {
		if option, ok := o.options[p.found[o.question].Result]; ok {
			options = append(options, option)
		}
	}
	if skew := p.quota.skew; skew != 0 {
		options = append(options, option{fmt.Sprintf("leedotest.WithClockSkew(%d*time.Second)", skew/time.Second), leedotest.WithClockSkew(skew)})
	}
	return options
}

// plan returns the option for a limit.
func plan(limit int) option {
	name, ok := map[leedotest.Plan]string{leedotest.Free: "leedotest.Free", leedotest.Duo: "leedotest.Duo", leedotest.Pro: "leedotest.Pro"}[leedotest.Plan(limit)]
	if !ok {
		name = strconv.Itoa(limit)
	}
	return option{"leedotest.WithPlan(" + name + ")", leedotest.WithPlan(leedotest.Plan(limit))}
}
