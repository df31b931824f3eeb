package probe

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// judgeHeaders settles what the headers of all responses show.
func (p *prober) judgeHeaders() {
	p.judgeLimit()
	p.judgeRequestID()
	p.judgeSkew()
	p.judgeReset()
	p.judgeCost404()
}

// requestIDs are the headers that servers send a request id in.
var requestIDs = []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "X-Trace-Id", "Cf-Ray", "Traceparent"}

const noRequestID = "none of the usual headers"

func (p *prober) judgeRequestID() {
	if len(p.log) == 0 {
		return
	}
	partly := ""
	for _, name := range requestIDs {
		ids := make(map[string]bool)
		count := 0
		for _, x := range p.log {
			if id := x.Header.Get(name); id != "" {
				count++
				ids[id] = true
			}
		}
		if count == len(p.log) && len(ids) == count {
			p.finds(askRequestID, name, "on all %d responses, and different on each", count)
			return
		}
		if count > 0 {
			partly = fmt.Sprintf("%s is on %d of %d responses, with %d different values", name, count, len(p.log), len(ids))
		}
	}
	if partly != "" {
		p.cannot(askRequestID, "%s: more requests", partly)
		return
	}
	p.finds(askRequestID, noRequestID, "%d responses without %s", len(p.log), strings.Join(requestIDs, ", "))
}

// judgeSkew settles how far the server's clock is ahead. A Date of whole seconds that
// was set between sent and arrived puts it in an interval; all of them must overlap.
func (p *prober) judgeSkew() {
	var low, high time.Duration // high is excluded
	count := 0
	for _, x := range p.log {
		date, ok := x.date()
		if !ok {
			continue
		}
		from, to := date.Sub(x.arrived), date.Add(time.Second).Sub(x.sent)
		if count == 0 || from > low {
			low = from
		}
		if count == 0 || to < high {
			high = to
		}
		count++
	}
	how := fmt.Sprintf("the Date of %d responses: from %v to %v ahead", count, low.Round(time.Millisecond), high.Round(time.Millisecond))
	switch {
	case count == 0:
	case low >= high:
		p.cannot(askSkew, "the Date of %d responses contradicts itself", count)
	default:
		skew := wholeSecond(low, high)
		if skew-low > time.Second || high-skew > time.Second {
			p.cannot(askSkew, "%s: a response that takes less time", how)
			return
		}
		p.quota.skew = skew
		p.finds(askSkew, skewText(skew), "%s", how)
	}
}

// wholeSecond returns the whole second nearest to the middle of an interval that has
// one.
func wholeSecond(low, high time.Duration) time.Duration {
	return ((low+high)/2 - 1).Round(time.Second)
}

func skewText(skew time.Duration) string {
	switch {
	case skew > 0:
		return fmt.Sprintf("%v ahead of the local clock, within a second", skew)
	case skew < 0:
		return fmt.Sprintf("%v behind the local clock, within a second", -skew)
	}
	return "within a second of the local clock"
}

// The forms of X-RateLimit-Reset and Retry-After.
const (
	epochSeconds      = "seconds since 1970"
	epochMilliseconds = "milliseconds since 1970"
	deltaSeconds      = "seconds from now"
	httpDate          = "an HTTP date"
	rfc3339           = "an RFC 3339 date"
)

// horizon is how far from the Date of its response a time may be.
const horizon = 25 * time.Hour

// moment returns the form of a time in a header, and how long after the Date of the
// response it is; form is "" if it has none of the forms.
func (x *exchange) moment(name string) (form string, in time.Duration) {
	now, ok := x.date()
	if !ok {
		now = x.arrived
	}
	value := strings.TrimSpace(x.Header.Get(name))
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		switch {
		case n >= 0 && n <= int64(horizon/time.Second):
			return deltaSeconds, time.Duration(n) * time.Second
		case near(time.Unix(n, 0), now):
			return epochSeconds, time.Unix(n, 0).Sub(now)
		case near(time.UnixMilli(n), now):
			return epochMilliseconds, time.UnixMilli(n).Sub(now)
		}
		return "", 0
	}
	if at, err := http.ParseTime(value); err == nil && near(at, now) {
		return httpDate, at.Sub(now)
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil && near(at, now) {
		return rfc3339, at.Sub(now)
	}
	return "", 0
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= horizon }

// judgeReset settles the form of X-RateLimit-Reset.
func (p *prober) judgeReset() {
	forms := make(map[string]int)
	values := make(map[string]bool)
	count := 0
	var began, ended time.Time
	for _, x := range p.log {
		value := x.Header.Get(headerReset)
		if value == "" {
			continue
		}
		form, in := x.moment(headerReset)
		if form == deltaSeconds && in > window+time.Minute && !x.is(http.StatusTooManyRequests) {
			form = "" // of another unit
		}
		forms[form]++
		values[value] = true
		if count++; count == 1 {
			began = x.arrived
		}
		ended = x.sent
	}
	switch {
	case count == 0 && len(p.log) > 0:
		p.finds(askReset, "not sent", "%d responses without X-RateLimit-Reset", len(p.log))
	case forms[deltaSeconds] == count && len(values) == 1 && (values["0"] || ended.Sub(began) > time.Second):
		p.cannot(askReset, "all %d responses have the same small number, which may not be a time", count)
	case len(forms) == 1 && forms[""] == 0:
		for form := range forms {
			p.finds(askReset, form, "%d responses", count)
		}
	case count > 0:
		p.cannot(askReset, "the values of %d responses have no form that is known, or several", count)
	}
}
