package behaviour_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// argumentTraces are what is rejected before a request is sent.
func argumentTraces() []trace {
	return append(append(callArguments(), callOptions()...), constructors()...)
}

// rejected makes calls of a client that would get a success.
func rejected(name string, call func(context.Context, *leedo.Client) (any, error)) trace {
	return trace{name, func(s *scene) {
		client := s.client(replies(respond(200, leadJSON)))
		value, err := call(s.t.Context(), client)
		s.result(value, err)
	}}
}

func callArguments() []trace {
	var all []trace
	for name, id := range inOrder(map[string]string{"an empty id": "", "id .": ".", "id ..": "..", "an id with a line break": "a\nb", "an id that is not UTF-8": "a\xff", "an id with NUL": "a\x00", "an id of C1 controls": "a\u0085b"}) {
		all = append(all,
			rejected("Leads.Get, "+name, func(ctx ctx, c user) (any, error) { return result(c.Leads.Get(ctx, id)) }),
			rejected("Leads.Update, "+name, func(ctx ctx, c user) (any, error) {
				return result(c.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Name: new("N")}))
			}),
			rejected("Accounts.Get, "+name, func(ctx ctx, c user) (any, error) { return result(c.Accounts.Get(ctx, id)) }),
			rejected("Campaigns.Get, "+name, func(ctx ctx, c user) (any, error) { return result(c.Campaigns.Get(ctx, id)) }))
	}
	all = append(all,
		rejected("Leads.Create, nil", func(ctx ctx, c user) (any, error) { return result(c.Leads.Create(ctx, nil)) }),
		rejected("Accounts.Create, nil", func(ctx ctx, c user) (any, error) { return result(c.Accounts.Create(ctx, nil)) }),
		rejected("Contacts.Create, nil", func(ctx ctx, c user) (any, error) { return result(c.Contacts.Create(ctx, nil)) }),
		rejected("Leads.Update, nil", func(ctx ctx, c user) (any, error) { return result(c.Leads.Update(ctx, "id-1", nil)) }),
		rejected("Leads.Update, nothing to change", func(ctx ctx, c user) (any, error) {
			return result(c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{}))
		}),
		rejected("Leads.Create, a name that is not UTF-8", func(ctx ctx, c user) (any, error) {
			return result(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "J\xf6rg"}))
		}),
		rejected("Leads.Update, a name that is not UTF-8", func(ctx ctx, c user) (any, error) {
			return result(c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{Name: new("J\xf6rg")}))
		}),
		rejected("a nil context", func(_ ctx, c user) (any, error) { var none ctx; return result(c.Leads.Get(none, "id-1")) }),
		rejected("a zero client", func(ctx ctx, _ user) (any, error) { return nil, new(leedo.Client).Do(ctx, "GET", "/leads", nil, nil) }),
		rejected("a zero service", func(ctx ctx, _ user) (any, error) { return result(new(leedo.LeadsService).Get(ctx, "id-1")) }),
	)
	for name, p := range inOrder(map[string]leedo.LeadListParams{"a negative page": {Page: -1}, "a negative size": {PerPage: -5}}) {
		all = append(all,
			rejected("Leads.List, "+name, func(ctx ctx, c user) (any, error) { return result(c.Leads.List(ctx, &p)) }),
			rejected("Leads.All, "+name, func(ctx ctx, c user) (any, error) { return collect(c.Leads.All(ctx, &p)) }),
			rejected("Accounts.List, "+name, func(ctx ctx, c user) (any, error) {
				return result(c.Accounts.List(ctx, new(leedo.AccountListParams(p))))
			}),
			rejected("Contacts.Pages, "+name, func(ctx ctx, c user) (any, error) {
				return collect(c.Contacts.Pages(ctx, new(leedo.ContactListParams(p))))
			}))
	}
	for _, path := range []string{"", "leads", "/leads?x=1", "/leads#x", "https://elsewhere.example/", "//elsewhere.example/", "/leads/../accounts", "/leads/%2e%2E", "/./leads", "/a%zz", "/a b", "/a\nb", "/leads/", "/", "/ä", "/a%2Fb", "/a%0ab"} {
		all = append(all, rejected("Do, path "+strings.ReplaceAll(path, "\n", `\n`), func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "GET", path, nil, nil) }))
	}
	for _, method := range []string{"", "get", "OPTIONS", "TRACE", "CONNECT", "GE T", "PURGE"} {
		all = append(all, rejected("Do, method "+method, func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, method, "/leads", nil, nil) }))
	}
	bodies := map[string]any{"a channel": make(chan int), "NaN": math.NaN(), "raw JSON that is none": json.RawMessage(`{`), "an error in MarshalJSON": failsToMarshal{}, "a nil pointer": (*leedo.Lead)(nil), "bytes": []byte("{}"), "a reader": strings.NewReader("{}"), "a text that is not UTF-8": "\xff"}
	for name, body := range inOrder(bodies) {
		all = append(all, rejected("Do, body "+name, func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "POST", "/leads", body, nil) }))
	}
	return append(all,
		rejected("Do, GET with a body", func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "GET", "/leads", leadJSON, nil) }),
		rejected("Do, HEAD with out", func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "HEAD", "/leads", nil, new(any)) }),
		rejected("Do, out is no pointer", func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "GET", "/leads", nil, leedo.Lead{}) }),
		rejected("Do, out is a nil pointer", func(ctx ctx, c user) (any, error) { return nil, c.Do(ctx, "GET", "/leads", nil, (*leedo.Lead)(nil)) }),
	)
}

type failsToMarshal struct{}

func (failsToMarshal) MarshalJSON() ([]byte, error) { return nil, errOwn }

func callOptions() []trace {
	opts := map[string]leedo.RequestOption{
		"WithHeader Authorization":      leedo.WithHeader("authorization", "x"),
		"WithHeader Host":               leedo.WithHeader("Host", "x"),
		"WithHeader Content-Length":     leedo.WithHeader("Content-Length", "1"),
		"WithHeader, no name":           leedo.WithHeader("", "x"),
		"WithHeader, a name with space": leedo.WithHeader("a b", "x"),
		"WithHeader, a line break":      leedo.WithHeader("X-A", "a\r\nb: c"),
		"WithQuery, no key":             leedo.WithQuery("", "x"),
		"WithQuery, not UTF-8":          leedo.WithQuery("q", "\xff"),
		"WithBodyField, no key":         leedo.WithBodyField("", "x"),
		"WithBodyField, a channel":      leedo.WithBodyField("a", make(chan int)),
		"WithBodyField, not UTF-8":      leedo.WithBodyField("a", "\xff"),
		"WithResponse nil":              leedo.WithResponse(nil),
		"WithRetries -1":                leedo.WithRetries(-1),
		"WithAttemptTimeout -1":         leedo.WithAttemptTimeout(-1),
		"WithMaxWait -1":                leedo.WithMaxWait(-1),
		"WithPriority 7":                leedo.WithPriority(7),
		"WithMaxItems -1":               leedo.WithMaxItems(-1),
		"WithPrefetch -1":               leedo.WithPrefetch(-1),
		"WithQuery page 0":              leedo.WithQuery("page", "0"),
		"WithQuery page x":              leedo.WithQuery("page", "x"),
	}
	var all []trace
	for _, op := range operationsNamed("Leads.Get", "Leads.Create", "Leads.All") {
		for name, opt := range inOrder(opts) {
			all = append(all, rejected(op.name+", "+name, func(ctx ctx, c user) (any, error) { return op.call(ctx, c, opt) }))
		}
	}
	return all
}

func constructors() []trace {
	var all []trace
	build := func(name, token string, opts ...leedo.Option) {
		all = append(all, trace{"NewClient, " + name, func(s *scene) {
			client, err := leedo.NewClient(token, opts...)
			if err != nil {
				s.result(nil, err)
				return
			}
			s.say("returns %v", client)
		}})
	}
	tokens := map[string]string{"no token": "", "white space": " ", "a space inside": "a b", "a line break": token + "\n", "not ASCII": "tök", "quotes": `"` + token + `"`, "the scheme in front": "Bearer " + token, "colon and bar": "1|a:b", "NUL": "a\x00"}
	for name, tok := range inOrder(tokens) {
		build("token: "+name, tok)
	}
	for _, base := range []string{"", "api.leedo.app/v1", "http://api.leedo.app/v1", "http://localhost", "http://127.0.0.1:80/v1", "http://localhost.example", "ftp://api.leedo.app", "https://", "https:///v1", "https://api.leedo.app/v1?a=b", "https://api.leedo.app/v1#x", "https://user:pass@api.leedo.app/v1", "https://api.leedo.app:99999/v1", " https://api.leedo.app/v1", "https://api.leedo.app/v1/../v2", "HTTPS://API.LEEDO.APP/v1", "https://%zz"} {
		build("base URL "+base, token, leedo.WithBaseURL(base))
	}
	opts := map[string][]leedo.Option{
		"WithHTTPClient nil":              {leedo.WithHTTPClient(nil)},
		"WithHTTPClient, bad Timeout":     {leedo.WithHTTPClient(&http.Client{Timeout: -1})},
		"WithTokenSource nil":             {leedo.WithTokenSource(nil)},
		"WithTokenSource beside a token":  {leedo.WithTokenSource(func(context.Context) (string, error) { return token, nil })},
		"WithUserAgent, empty":            {leedo.WithUserAgent(" ")},
		"WithUserAgent, a line break":     {leedo.WithUserAgent("a\nb")},
		"WithMaxResponseBytes 0":          {leedo.WithMaxResponseBytes(0)},
		"WithMaxResponseBytes, too large": {leedo.WithMaxResponseBytes(1 << 41)},
		"WithBackoff, negative":           {leedo.WithBackoff(-1, 1)},
		"WithBackoff, min over max":       {leedo.WithBackoff(2*time.Second, time.Second)},
		"WithRateLimiter nil":             {leedo.WithRateLimiter(nil)},
		"WithRateLimiter, a zero one":     {leedo.WithRateLimiter(new(leedo.RateLimiter))},
		"WithLogger nil":                  {leedo.WithLogger(nil)},
		"WithRetries -1":                  {leedo.WithRetries(-1)},
		"WithMaxWait -1":                  {leedo.WithMaxWait(-1)},
		"WithMaxWait NoMaxWait":           {leedo.WithMaxWait(leedo.NoMaxWait)},
		"WithAttemptTimeout -1":           {leedo.WithAttemptTimeout(-1)},
		"WithPriority -1":                 {leedo.WithPriority(-1)},
		"the first wrong option counts":   {leedo.WithRetries(-1), leedo.WithMaxWait(-1)},
	}
	for name, o := range inOrder(opts) {
		build(name, token, o...)
	}
	limiters := map[string]*leedo.RateLimiterOptions{
		"nil":                         nil,
		"zero":                        {},
		"Share 1.5":                   {Share: 1.5},
		"Share -1":                    {Share: -1},
		"Share NaN":                   {Share: math.NaN()},
		"RequestsPerSecond -1":        {RequestsPerSecond: -1},
		"RequestsPerSecond 1e9":       {RequestsPerSecond: 1e9},
		"RequestsPerSecond NaN":       {RequestsPerSecond: math.NaN()},
		"RequestsPerSecond, infinite": {RequestsPerSecond: math.Inf(1)},
	}
	for name, o := range inOrder(limiters) {
		all = append(all, trace{"NewRateLimiter, " + name, func(s *scene) {
			limiter, err := leedo.NewRateLimiter(o)
			if err != nil {
				s.result(nil, err)
				return
			}
			s.say("returns a limiter, %s", s.rate(limiter.RateLimit()))
		}})
	}
	for name, env := range inOrder(map[string][2]string{"nothing set": {"", ""}, "a token": {token, ""}, "a token and a base URL": {token, "https://crm.example/v1"}, "a line break after the token": {token + "\n", ""}, "a bad token": {"a b", ""}, "a bad base URL": {token, "crm.example"}, "a line break after the base URL": {token, "https://crm.example/v1\n"}}) {
		all = append(all, trace{"NewClientFromEnv, " + name, func(s *scene) {
			s.t.Setenv("LEEDO_API_TOKEN", env[0])
			s.t.Setenv("LEEDO_BASE_URL", env[1])
			client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(&http.Client{Transport: &wiretap{s, replies(respond(200, leadJSON))}}))
			if err != nil {
				s.result(nil, err)
				return
			}
			s.call(operationsNamed("Leads.Get")[0], client)
		}})
	}
	return all
}
