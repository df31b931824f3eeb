package behaviour_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// headerTraces are the forms of the rate limit headers: what is known after a
// response, and when the next call is sent.
func headerTraces() []trace {
	noon := "Sat, 01 Jan 2000 00:00:00 GMT"
	forms := []struct {
		name   string
		header []string
	}{
		{"none", nil},
		{"Reset in epoch seconds", rate("100", "0", "946684830")},
		{"Reset in epoch milliseconds", rate("100", "0", "946684830000")},
		{"Reset in seconds from now", rate("100", "0", "30")},
		{"Reset as an HTTP date", rate("100", "0", "Sat, 01 Jan 2000 00:00:30 GMT")},
		{"Reset as RFC 3339", rate("100", "0", "2000-01-01T00:00:30Z")},
		{"Reset as RFC 3339 with a zone", rate("100", "0", "2000-01-01T02:00:30+02:00")},
		{"Reset with decimals", rate("100", "0", "30.2")},
		{"Reset in the past", rate("100", "0", "946684799")},
		{"Reset long past", rate("100", "0", "946600000")},
		{"Reset in two hours", rate("100", "0", "7200")},
		{"Reset beyond a day", rate("100", "0", "100000")},
		{"Reset in words", rate("100", "0", "soon")},
		{"Reset negative", rate("100", "0", "-5")},
		{"Reset 0", rate("100", "0", "0")},
		{"no Reset, nothing left", rate("100", "0", "")},
		{"no Reset, some left", rate("100", "50", "")},
		{"no Limit", rate("", "0", "30")},
		{"no Remaining", rate("100", "", "30")},
		{"only Reset", rate("", "", "30")},
		{"only Limit", rate("100", "", "")},
		{"only Remaining", rate("", "0", "")},
		{"Limit 0", rate("0", "0", "30")},
		{"Limit negative", rate("-1", "0", "30")},
		{"more remaining than the limit", rate("100", "101", "30")},
		{"Remaining negative", rate("100", "-1", "30")},
		{"Remaining with decimals", rate("100", "0.5", "30")},
		{"Limit with its policies", rate("100, 100;w=3600", "0", "30")},
		{"all in lists", rate("100, 5000", "0, 4999", "30, 3600")},
		{"Reset as an HTTP date with a numeric zone", rate("100", "0", "Sat, 01 Jan 2000 02:00:30 +0200")},
		{"Limit in words", rate("many", "0", "30")},
		{"Limit beyond 32 bits", rate("99999999999", "0", "30")},
		{"white space around", rate(" 100 ", " 0 ", " 30 ")},
		{"one left", rate("100", "1", "30")},
		{"much left", rate("100", "99", "30")},
		{"Age of a cache", append(rate("100", "0", "30"), "Age", "600")},
		{"Age of a second", append(rate("100", "0", "30"), "Age", "1")},
		{"Date of the same time", append(rate("100", "0", "946684830"), "Date", noon)},
		{"Date an hour behind", append(rate("100", "0", "946681230"), "Date", "Fri, 31 Dec 1999 23:00:00 GMT")},
		{"Date an hour ahead", append(rate("100", "0", "946688430"), "Date", "Sat, 01 Jan 2000 01:00:00 GMT")},
		{"Date a day behind", append(rate("100", "0", "946598430"), "Date", "Fri, 31 Dec 1999 00:00:00 GMT")},
		{"Retry-After of a success", append(rate("100", "0", "30"), "Retry-After", "10")},
		{"the names of an IETF draft", []string{"RateLimit-Limit", "100", "RateLimit-Remaining", "0", "RateLimit-Reset", "30"}},
	}
	var all []trace
	for i, f := range forms {
		statuses := []int{200, 429}
		switch {
		case i < 6:
			statuses = append(statuses, 404, 500)
		case f.name == "Age of a cache", f.name == "Date a day behind": // then Retry-After does not count either
			statuses = statuses[:1]
		}
		for _, status := range statuses {
			if status == 429 && !strings.Contains(toldBy429, f.name+"\n") {
				// Without a time the limiter would wait for a random one.
				f.header = append(slices.Clone(f.header), "Retry-After", "10")
			}
			all = append(all, trace{fmt.Sprintf("%s, %d", f.name, status), func(s *scene) {
				s.grain = time.Second
				body := leadJSON
				if status != 200 {
					body = problem("code", "message")
				}
				op := operationsNamed("Leads.Get")[0]
				client := s.client(replies(respond(status, body, f.header...), respond(200, leadJSON)), leedo.WithMaxWait(0), leedo.WithRetries(0))
				s.call(op, client)
				s.quota(client)
				s.call(op, client)
				s.call(op, client, leedo.WithMaxWait(time.Minute), leedo.WithPriority(leedo.PriorityBulk))
				s.quota(client)
			}})
		}
	}
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		all = append(all, trace{fmt.Sprintf("a server whose clock is off by %v", skew), func(s *scene) {
			s.grain = time.Second
			op := operationsNamed("Leads.Get")[0]
			client := s.client(server(func(*http.Request) reply {
				now := time.Now().Add(skew).UTC()
				return respond(200, leadJSON, append(rate("5", "0", fmt.Sprint(now.Add(20*time.Second).Unix())), "Date", now.Format(http.TimeFormat))...)
			}))
			s.call(op, client)
			s.quota(client)
			s.call(op, client)
		}})
	}
	return all
}

// toldBy429 are the forms from which a 429 without Retry-After tells when there
// is more.
const toldBy429 = `
Reset in epoch seconds
Reset in epoch milliseconds
Reset in seconds from now
Reset as an HTTP date
Reset as RFC 3339
Reset as RFC 3339 with a zone
Reset with decimals
Reset in two hours
Date of the same time
Date an hour behind
Date an hour ahead
white space around
Age of a second
Retry-After of a success
`

// rate is the three header fields; empty ones are left out.
func rate(limit, remaining, reset string) []string {
	var header []string
	for i, value := range []string{limit, remaining, reset} {
		if strings.TrimSpace(value) != "" {
			header = append(header, []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}[i], value)
		}
	}
	return header
}
