package behaviour_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// logTraces are the records that the SDK logs, and errors and clients as they
// are printed and logged by users.
func logTraces() []trace {
	var all []trace
	faults := []fault{
		always("a success", good),
		once("503", respond(503, problem("down", "maintenance"))),
		once("503 with Retry-After 1", respond(503, "", "Retry-After", "1")),
		once("503 with Retry-After 5", respond(503, "", "Retry-After", "5")),
		once("429 with Retry-After 5", respond(429, problem("rate_limited", "slow down"), "Retry-After", "5")),
		once("cut", reset),
		once("cut in the body", cutAfter(200, `{"id"`)),
		once("connection refused", refused),
		always("404", respond(404, problem("not_found", "no such record"))),
		once("an attempt times out", respond(200, "").late(time.Minute)),
		once("a redirect", respond(302, "", "Location", "/v1/moved?secret=1")),
		always("not JSON", respond(200, "hello", "Content-Type", "text/plain")),
	}
	for _, op := range operationsNamed("Leads.Get", "Leads.Create", "Contacts.All") {
		for _, f := range faults {
			all = append(all, trace{op.name + ", logged: " + f.name, func(s *scene) {
				s.grain, s.logs = time.Second, true
				s.call(op, s.client(op.script(f.replies...)), leedo.WithQuery("secret", "a-long-secret"))
			}})
		}
	}
	for _, op := range operationsNamed("Leads.Get", "Do GET") {
		all = append(all, trace{op.name + ", logged: two responses say that the operation is deprecated", func(s *scene) {
			s.logs = true
			client := s.client(op.script(respond(200, op.good, "Deprecation", "@946684800", "Sunset", "Sat, 01 Jan 2000 02:00:00 GMT")))
			s.call(op, client)
			s.call(op, client)
		}})
	}

	printed := map[string]reply{
		"400": respond(400, problem("bad", "wrong name")), "401": respond(401, problem("bad", "wrong token")), "403": respond(403, problem("bad", "no")),
		"404": respond(404, problem("bad", "none")), "409": respond(409, problem("bad", "there")), "500": respond(500, problem("bad", "oops")),
		"429": respond(429, problem("bad", "slow down"), "Retry-After", "100"), "not JSON": respond(200, "hello", "Content-Type", "text/plain"),
		"another shape": respond(200, `{"id":1}`), "cut": reset, "cut in the body": cutAfter(200, `{`), "connection refused": refused,
		"timeout": respond(200, "").late(time.Minute), "a redirect": respond(302, "", "Location", "https://elsewhere.example/"),
	}
	for _, op := range operationsNamed("Leads.Get", "Leads.Create") {
		for name, r := range inOrder(printed) {
			all = append(all, trace{op.name + ", printed: " + name, func(s *scene) {
				s.grain = time.Second
				_, err := op.call(s.t.Context(), s.client(op.script(r), leedo.WithRetries(0)))
				s.print(err)
			}})
		}
		all = append(all, trace{op.name + ", printed: an invalid argument", func(s *scene) {
			_, err := op.call(s.t.Context(), s.client(op.script(good)), leedo.WithResponse(nil))
			s.print(err)
		}}, trace{op.name + ", printed: a context that ended", func(s *scene) {
			ctx, cancel := context.WithCancelCause(s.t.Context())
			cancel(errOwn)
			_, err := op.call(ctx, s.client(op.script(good)))
			s.print(err)
		}}, trace{op.name + ", printed: a wait that is too long", func(s *scene) {
			client := s.client(replies(respond(200, leadJSON, rate("10", "0", "3600")...)))
			s.call(operationsNamed("Leads.Get")[0], client)
			s.grain = time.Second
			_, err := op.call(s.t.Context(), client)
			s.print(err)
		}})
	}
	all = append(all,
		trace{"a client, printed", func(s *scene) { s.print(s.client(replies(good))) }},
		trace{"a client, printed by value", func(s *scene) { s.print(*s.client(replies(good))) }},
	)
	return all
}

// print prints a value as users do, in text, in JSON and in a log.
func (s *scene) print(value any) {
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		s.say("%s", verb+": "+fmt.Sprintf(verb, value))
	}
	switch value.(type) {
	case *leedo.APIError, *leedo.NotFoundError, *leedo.DecodeError, *leedo.Client, leedo.Client:
		s.say("%%#v: %s", fmt.Sprintf("%#v", value))
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch {
		case a.Key == slog.TimeKey:
			return slog.Attr{}
		case a.Value.Kind() == slog.KindTime:
			return slog.String(a.Key, s.when(a.Value.Time()))
		}
		return a
	}}))
	logger.Info("message", "value", value)
	s.say("log: %s", log.String())
	if err, ok := value.(error); ok {
		log.Reset()
		logger.Info("message", "value", fmt.Errorf("importing: %w", err))
		s.say("log, wrapped: %s", log.String())
	}
	if text, err := json.Marshal(value); err == nil {
		s.say("JSON: %s", text)
	}
}
