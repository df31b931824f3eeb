package behaviour_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// operationTraces are successes, with all that is sent and returned.
func operationTraces() []trace {
	var all []trace
	add := func(name string, op operation, opts ...leedo.RequestOption) {
		all = append(all, trace{name, func(s *scene) {
			s.full = true
			var response leedo.Response
			s.call(op, s.client(op.script(good)), append(opts, leedo.WithResponse(&response))...)
			s.response(&response)
		}})
	}
	for _, op := range append(append([]operation{}, operations...), moreOperations...) {
		add(op.name, op)
	}
	lead := func(name string, call func(ctx, user, ...req) (any, error)) {
		add(name, operation{name, leadJSON, call})
	}
	list := func(name string, body string, call func(ctx, user, ...req) (any, error)) {
		add(name, operation{name, body, call})
	}
	for _, id := range []string{"550e8400-e29b-11d4-a716-446655440000", "a/b", "a b", "ä", "a?b=c#d", "a%2Fb", "a+b", "a:b@c", "...", "a;b,c", "$&'()*!", strings.Repeat("x", 100)} {
		lead("Leads.Get "+id, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.Get(ctx, id, o...)) })
		lead("Leads.Update "+id, func(ctx ctx, c user, o ...req) (any, error) {
			return result(c.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Phone: new("")}, o...))
		})
	}
	for name, p := range inOrder(map[string]leedo.LeadListParams{"page 3": {Page: 3}, "50 on a page": {PerPage: 50}, "page 2 of 1000 on a page": {Page: 2, PerPage: 1000}}) {
		list("Leads.List, "+name, pageOf(leadJSON), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.List(ctx, &p, o...)) })
		list("Accounts.List, "+name, pageOf(accountJSON), func(ctx ctx, c user, o ...req) (any, error) {
			return result(c.Accounts.List(ctx, new(leedo.AccountListParams(p)), o...))
		})
		list("Contacts.List, "+name, pageOf(contactJSON), func(ctx ctx, c user, o ...req) (any, error) {
			return result(c.Contacts.List(ctx, new(leedo.ContactListParams(p)), o...))
		})
		list("Campaigns.List, "+name, pageOf(campaignJSON), func(ctx ctx, c user, o ...req) (any, error) {
			return result(c.Campaigns.List(ctx, new(leedo.CampaignListParams(p)), o...))
		})
	}
	for _, p := range []leedo.LeadCreateParams{{}, {Email: "a@b.c"}, {Company: "Acme <& Sons>"}, {Phone: "+1 2"}, {Status: leedo.LeadStatusQualified}, {Name: "N", Email: "E", Company: "C", Phone: "P", Status: "own"}} {
		text, _ := json.Marshal(p)
		lead("Leads.Create "+string(text), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.Create(ctx, &p, o...)) })
	}
	for name, p := range inOrder(map[string]leedo.LeadUpdateParams{"name": {Name: new("N")}, "e-mail": {Email: new("E")}, "company": {Company: new("C")}, "phone": {Phone: new("P")}, "status": {Status: new(leedo.LeadStatusNew)}, "all to nothing": {Name: new(""), Email: new(""), Company: new(""), Phone: new(""), Status: new(leedo.LeadStatus(""))}}) {
		lead("Leads.Update, "+name, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.Update(ctx, "id-1", &p, o...)) })
	}
	add("Accounts.Create, all fields", operation{"Create", accountJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "N", Industry: "I", Website: "W"}, o...))
	}})
	add("Contacts.Create, all fields", operation{"Create", contactJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "N", Email: "E", Role: "R", AccountID: "A"}, o...))
	}})
	for name, body := range inOrder(map[string]string{
		"only an id":                  `{"id":"id-1"}`,
		"a status that is not known":  `{"id":"id-1","status":"lost"}`,
		"fields that are not known":   `{"id":"id-1","score":42,"nested":{"a":[1]}}`,
		"a field twice":               `{"id":"id-1","name":"first","name":"second"}`,
		"field names in another case": `{"ID":"id-1","Name":"John Doe"}`,
		"times with a zone":           `{"id":"id-1","created_at":"2025-10-01T12:00:00.123456789+02:00"}`,
		"escapes":                     `{"id":"id-1","name":"\u00e4\n\ud83d\ude00 \ud800"}`,
	}) {
		list("Leads.Get, "+name, body, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.Get(ctx, "id-1", o...)) })
	}
	return all
}

// optionTraces are options with each operation, and what they do in detail
// with one.
func optionTraces() []trace {
	var all []trace
	perCall := []struct {
		name string
		opt  leedo.RequestOption
	}{
		{"WithHeader Accept", leedo.WithHeader("accept", "application/vnd.leedo+json")},
		{"WithHeader Idempotency-Key", leedo.WithHeader("Idempotency-Key", "key-1")},
		{"WithQuery page", leedo.WithQuery("page", "7")},
		{"WithBodyField nil", leedo.WithBodyField("name", nil)},
		{"nil", nil},
		{"WithHeader", leedo.WithHeader("X-Team", "sales")},
		{"WithQuery", leedo.WithQuery("q", "a b&c")},
		{"WithBodyField", leedo.WithBodyField("score", 42)},
		{"WithIdempotent", leedo.WithIdempotent()},
		{"WithMaxItems", leedo.WithMaxItems(1)},
		{"WithPrefetch", leedo.WithPrefetch(2)},
		{"WithPriority", leedo.WithPriority(leedo.PriorityBulk)},
		{"WithMaxWait 0", leedo.WithMaxWait(0)},
	}
	for i, op := range append(operationsNamed("Leads.All", "Leads.Get", "Leads.Create", "Contacts.List", "Do DELETE"), operations...) {
		for j, o := range perCall {
			if rare := j < 5; rare != (i < 5) && op.name != "Leads.All" {
				continue // the rarer ones with some operations only
			}
			all = append(all, trace{op.name + ": " + o.name, func(s *scene) { s.call(op, s.client(op.script(good)), o.opt) }})
		}
		if i > 0 && i < 5 {
			continue
		}
		all = append(all, trace{op.name + ": WithRetries 1", func(s *scene) {
			s.call(op, s.client(op.script(respond(503, ""))), leedo.WithRetries(1))
		}}, trace{op.name + ": WithAttemptTimeout 2s, WithRetries 0", func(s *scene) {
			s.call(op, s.client(op.script(good.instead(op).late(3*time.Second)), leedo.WithRetries(0)), leedo.WithAttemptTimeout(2*time.Second))
		}}, trace{op.name + ": WithoutRateLimiter, 429", func(s *scene) {
			s.call(op, s.client(op.script(respond(429, problem("rate_limited", "slow down"), "Retry-After", "7")), leedo.WithoutRateLimiter()))
		}}, trace{op.name + ": WithResponse, 404", func(s *scene) {
			var response leedo.Response
			s.call(op, s.client(op.script(respond(404, problem("not_found", "no such record")))), leedo.WithResponse(&response))
			s.response(&response)
		}})
	}

	get := operationsNamed("Leads.Get")[0]
	create := operationsNamed("Leads.Create")[0]
	perClient := []struct {
		name string
		opts []leedo.Option
	}{
		{"WithUserAgent", []leedo.Option{leedo.WithUserAgent("myapp/1.2 (test)")}},
		{"WithUserAgent twice", []leedo.Option{leedo.WithUserAgent("first"), leedo.WithUserAgent("second")}},
		{"WithBaseURL", []leedo.Option{leedo.WithBaseURL("https://crm.example:8443/api/v2/")}},
		{"WithBaseURL without a path", []leedo.Option{leedo.WithBaseURL("https://crm.example")}},
		{"WithBaseURL http on localhost", []leedo.Option{leedo.WithBaseURL("http://localhost:8080/v1")}},
		{"WithBaseURL http on a loopback address", []leedo.Option{leedo.WithBaseURL("http://[::1]:8080/v1")}},
		{"WithInsecureHTTP", []leedo.Option{leedo.WithBaseURL("http://crm.example/v1"), leedo.WithInsecureHTTP()}},
		{"nil option", []leedo.Option{nil}},
		{"WithRetries 0", []leedo.Option{leedo.WithRetries(0)}},
		{"WithHooks", []leedo.Option{leedo.WithHooks(leedo.Hooks{})}},
		{"WithMaxResponseBytes of exactly the size", []leedo.Option{leedo.WithMaxResponseBytes(int64(len(leadJSON)))}},
		{"WithMaxResponseBytes of one less", []leedo.Option{leedo.WithMaxResponseBytes(int64(len(leadJSON) - 1))}},
		{"WithPriority", []leedo.Option{leedo.WithPriority(leedo.PriorityBulk)}},
		{"WithHeader", []leedo.Option{leedo.WithHeader("X-A", "1"), leedo.WithHeader("Accept", "*/*")}},
		{"WithQuery", []leedo.Option{leedo.WithQuery("a", "1"), leedo.WithQuery("a", "2")}},
	}
	for _, op := range []operation{get, create} {
		for _, c := range perClient {
			all = append(all, trace{op.name + " of a client: " + c.name, func(s *scene) { s.call(op, s.client(op.script(good), c.opts...)) }})
			all = append(all, trace{op.name + " of a client, 503: " + c.name, func(s *scene) { s.call(op, s.client(op.script(respond(503, "")), c.opts...)) }})
		}
		all = append(all,
			trace{op.name + ": the option of a call wins", func(s *scene) {
				s.call(op, s.client(op.script(respond(503, "")), leedo.WithRetries(5)), leedo.WithRetries(2))
			}},
			trace{op.name + ": the header and the query of a call win", func(s *scene) {
				s.call(op, s.client(op.script(good), leedo.WithHeader("X-A", "1"), leedo.WithQuery("a", "1"), leedo.WithQuery("b", "1")), leedo.WithHeader("x-a", "2"), leedo.WithQuery("a", "2"))
			}},
			trace{op.name + ": an interceptor that makes the call twice", func(s *scene) {
				s.call(op, s.client(op.script(respond(404, ""), good), leedo.WithInterceptor(func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
					s.say("intercepted: %+v", call)
					next(ctx)
					return next(ctx)
				})))
			}},
			trace{op.name + ": an interceptor that makes no call", func(s *scene) {
				s.call(op, s.client(op.script(good), leedo.WithInterceptor(func(context.Context, leedo.CallInfo, func(context.Context) error) error { return nil })))
			}},
			trace{op.name + ": an interceptor with an error of its own", func(s *scene) {
				s.call(op, s.client(op.script(good), leedo.WithInterceptor(func(context.Context, leedo.CallInfo, func(context.Context) error) error { return errOwn })))
			}},
			trace{op.name + ": several headers and query parameters", func(s *scene) {
				s.call(op, s.client(op.script(good)), leedo.WithHeader("X-A", "1"), leedo.WithHeader("x-a", "2"), leedo.WithHeader("X-B", ""), leedo.WithQuery("b", "1"), leedo.WithQuery("a", ""), leedo.WithQuery("b", "ä"))
			}},
			trace{op.name + ": token source", func(s *scene) {
				s.call(op, s.sourced(op.script(respond(401, "")), func(context.Context) (string, error) { return token, nil }))
			}},
			trace{op.name + ": token source, asked for each attempt", func(s *scene) {
				n := 0
				client := s.sourced(op.script(reset, good), func(context.Context) (string, error) {
					n++
					s.say("asked for token %d", n)
					return token + "." + strings.Repeat("I", n), nil
				})
				s.call(op, client)
				s.call(op, client)
			}},
			trace{op.name + ": token source fails", func(s *scene) {
				s.call(op, s.sourced(op.script(good), func(context.Context) (string, error) { return "", errOwn }))
			}},
			trace{op.name + ": token source fails later", func(s *scene) {
				n := 0
				s.call(op, s.sourced(op.script(refused, good), func(context.Context) (string, error) {
					if n++; n > 1 {
						return "", errOwn
					}
					return token, nil
				}))
			}},
			trace{op.name + ": token source returns no token", func(s *scene) {
				s.call(op, s.sourced(op.script(good), func(context.Context) (string, error) { return "", nil }))
			}},
			trace{op.name + ": token source returns a line break", func(s *scene) {
				s.call(op, s.sourced(op.script(good), func(context.Context) (string, error) { return "a\nb", nil }))
			}},
			trace{op.name + ": token source waits for the context", func(s *scene) {
				ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Second)
				defer cancel()
				s.callWith(ctx, op, s.sourced(op.script(good), func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }))
			}},
			trace{op.name + ": Timeout of the HTTP client", func(s *scene) {
				late := good.instead(op).late(7 * time.Second)
				s.call(op, s.client(nil, leedo.WithHTTPClient(&http.Client{Timeout: 5 * time.Second, Transport: &wiretap{s, op.script(late)}})))
			}},
			trace{op.name + ": CheckRedirect of the HTTP client", func(s *scene) {
				moved := respond(302, "", "Location", "/v1/moved")
				s.call(op, s.client(nil, leedo.WithHTTPClient(&http.Client{Transport: &wiretap{s, op.script(moved, good)}, CheckRedirect: func(r *http.Request, via []*http.Request) error {
					s.say("asked whether to follow a redirect to %s after %s", r.URL.Path, plural(len(via), "request"))
					return errOwn
				}})))
			}},
			trace{op.name + ": Jar of the HTTP client", func(s *scene) {
				cookie := respond(503, "", "Set-Cookie", "a=b", "Retry-After", "1")
				s.call(op, s.client(nil, leedo.WithHTTPClient(&http.Client{Transport: &wiretap{s, op.script(cookie, good)}, Jar: newJar()})))
			}},
			trace{op.name + ": a transport that returns nothing", func(s *scene) {
				nothing := reply{name: "nothing", give: func(*http.Request) (*http.Response, error) { return nil, nil }}
				s.call(op, s.client(op.script(nothing)))
			}},
			trace{op.name + ": a transport whose error quotes the request", func(s *scene) {
				quoting := reply{name: "an error that quotes", give: func(r *http.Request) (*http.Response, error) {
					return nil, errors.New("cannot send " + r.URL.String() + " with " + r.Header.Get("Authorization"))
				}}
				s.call(op, s.client(op.script(quoting), leedo.WithRetries(0)), leedo.WithQuery("secret", "a-long-secret"))
			}},
			trace{op.name + ": values of the context reach hooks and transport", func(s *scene) {
				type key struct{}
				ctx := context.WithValue(s.t.Context(), key{}, "value")
				look := reply{name: "looks at the context", give: func(r *http.Request) (*http.Response, error) {
					s.say("the transport sees %v", r.Context().Value(key{}))
					return op.success().give(r)
				}}
				s.callWith(ctx, op, s.client(op.script(look), leedo.WithHooks(leedo.Hooks{Attempt: func(ctx context.Context, _ leedo.AttemptInfo) {
					s.say("the hook sees %v", ctx.Value(key{}))
				}})))
			}},
		)
	}
	return all
}

// instead is the success that good stands for.
func (r reply) instead(op operation) reply {
	if r.give == nil {
		return op.success()
	}
	return r
}

// sourced is a client with a token source.
func (s *scene) sourced(transport http.RoundTripper, source func(context.Context) (string, error)) *leedo.Client {
	client, err := leedo.NewClient("", leedo.WithTokenSource(source), leedo.WithBackoff(1, 1), leedo.WithHooks(s.hooks()),
		leedo.WithHTTPClient(&http.Client{Transport: &wiretap{s, transport}}))
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// inOrder ranges over a table in the order of its names.
func inOrder[T any](table map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if !yield(name, table[name]) {
				return
			}
		}
	}
}

// newJar returns a cookie jar.
func newJar() http.CookieJar {
	jar, _ := cookiejar.New(nil)
	return jar
}
