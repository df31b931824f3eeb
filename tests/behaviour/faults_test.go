package behaviour_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// fault is a name and what a server replies, in turn; the last reply is that
// to all further requests, "good" one that is a success of the operation.
type fault struct {
	name    string
	replies []reply
}

func always(name string, r reply) fault { return fault{name, []reply{r}} }

// good stands for a success of the operation.
var good = reply{name: "good"}

func once(name string, r reply) fault { return fault{name, []reply{r, good}} }

// cross returns a trace for each operation with each fault.
func cross(ops []operation, faults []fault, opts ...leedo.Option) (all []trace) {
	for _, op := range ops {
		for _, f := range faults {
			all = append(all, trace{op.name + ": " + f.name, func(s *scene) {
				s.grain = time.Second
				s.call(op, s.client(op.script(f.replies...), opts...))
			}})
		}
	}
	return all
}

// crossSome is cross with some of the operations, for what is rarer.
func crossSome(faults []fault, opts ...leedo.Option) []trace {
	return cross(operationsNamed("Leads.Get", "Leads.Create", "Contacts.List", "Do DELETE"), faults, opts...)
}

// script is a transport with the replies; good ones are filled in.
func (op operation) script(r ...reply) *script {
	filled := make([]reply, len(r))
	for i, r := range r {
		if r.give == nil {
			r = op.success()
		}
		filled[i] = r
	}
	return replies(filled...)
}

func (op operation) success() reply {
	switch {
	case op.good == "":
		return respond(204, "")
	case strings.HasSuffix(op.name, "Create"), op.name == "Do POST":
		return respond(201, op.good)
	}
	return respond(200, op.good)
}

// problem is the API's error body.
func problem(code, message string) string {
	return `{"error":{"code":"` + code + `","message":"` + message + `"}}`
}

func statusTraces() []trace {
	html := []string{"Content-Type", "text/html"}
	all := cross(operations, []fault{
		always("400", respond(400, problem("bad_request", "name must be a string"))),
		always("401", respond(401, problem("unauthorized", "invalid token"), "WWW-Authenticate", "Bearer")),
		always("403", respond(403, problem("forbidden", "not yours"))),
		always("404", respond(404, problem("not_found", "no such record"))),
		always("408", respond(408, problem("timeout", "too slow"))),
		always("409", respond(409, problem("conflict", "already there"))),
		always("422 with fields", respond(422, `{"message":"invalid","errors":{"name":["is too long","is odd"],"email":["is taken"]}}`)),
		once("429 with Retry-After, then a success", respond(429, problem("rate_limited", "slow down"), "Retry-After", "7")),
		once("429 with Reset, then a success", respond(429, problem("rate_limited", "slow down"), rate("100", "0", "946684820")...)),
		always("429 with a Reset beyond the maximum wait", respond(429, problem("rate_limited", "slow down"), rate("100", "0", "3600")...)),
		always("500", respond(500, problem("internal", "oops"))),
		always("501", respond(501, problem("not_implemented", "not yet"))),
		always("502, HTML", respond(502, "<html>bad gateway</html>", html...)),
		once("503 with Retry-After in seconds, then a success", respond(503, problem("down", "maintenance"), "Retry-After", "5")),
		once("503 with Retry-After as a date, then a success", respond(503, "", "Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT")),
		once("500, then a success", respond(500, problem("internal", "oops"))),
	})
	for _, op := range operations {
		all = append(all, trace{op.name + ": 429 that tells no time, then a success", func(s *scene) { s.bands(op, "") }})
	}
	return append(all, crossSome([]fault{
		always("300", respond(300, `{"choices":[]}`)),
		always("304", respond(304, "")),
		always("405", respond(405, "", "Allow", "GET")),
		always("413, HTML", respond(413, "<html>too large</html>", html...)),
		always("503 with Retry-After beyond the maximum wait", respond(503, "", "Retry-After", "3600")),
		always("504, plain text", respond(504, "upstream timed out", "Content-Type", "text/plain")),
		{"500, then 404", []reply{respond(500, ""), respond(404, problem("not_found", "no such record"))}},
		always("599", respond(599, "")),
		always("999", respond(999, "")),
	})...)
}

func redirectTraces() []trace {
	to := func(status int, location string) reply { return respond(status, "", "Location", location) }
	var faults []fault
	for _, status := range []int{301, 302, 303, 307, 308} {
		text := http.StatusText(status)
		faults = append(faults,
			once(text+", same origin", to(status, "/v1/moved")),
			once(text+", foreign origin", to(status, "https://elsewhere.example/v1/leads?secret=1")))
	}
	rare := []fault{
		once("to http", to(302, "http://api.leedo.app/v1/moved")),
		once("to another port", to(307, "https://api.leedo.app:8443/v1/moved")),
		once("to the default port", to(307, "https://api.leedo.app:443/v1/moved")),
		always("for ever", to(302, "/v1/again")),
		once("without Location", respond(302, "")),
		once("unreadable Location", to(302, "https://%zz/")),
		{"500, then a redirect, then a success", []reply{respond(500, ""), to(302, "/v1/moved"), good}},
	}
	return append(cross(operations, faults), crossSome(rare)...)
}

func connectionTraces() []trace {
	unverified := undialed("certificate of an unknown authority", x509.UnknownAuthorityError{})
	faults := []fault{
		always("cut before the response", reset),
		once("cut before the response, then a success", reset),
		always("cut in the body", cutAfter(200, `{"id":"id-1","na`)),
		once("cut in the body, then a success", cutAfter(200, `{"id":"id-1","na`)),
		always("cut in the body of an error", cutAfter(400, `{"error":{"code":"bad`)),
		always("connection refused", refused),
		once("connection refused, then a success", refused),
		always("unknown host", unknown),
		once("DNS does not respond, then a success", dnsDown),
		always("attempts time out", respond(200, "").late(time.Minute)),
		once("an attempt times out, then a success", respond(200, "").late(time.Minute)),
		always("a body stalls", stalls(200, `{"id":`)),
	}
	rare := []fault{
		always("certificate of an unknown authority", unverified),
		always("an error of a transport that does not read the body", undialed("an error of the transport", errors.New("no way"))),
		{"connection refused, then cut", []reply{refused, reset}},
		{"cut, then 404", []reply{reset, respond(404, problem("not_found", "no such record"))}},
		{"connection refused, then 503, then a success", []reply{refused, respond(503, ""), good}},
	}
	return append(cross(operations, faults), crossSome(rare)...)
}

func bodyTraces() []trace {
	faults := []fault{
		always("empty", respond(200, "")),
		always("HTML", respond(200, "<html>hello</html>", "Content-Type", "text/html")),
		always("an array", respond(200, `[1,2]`)),
		always("another object", respond(200, `{"status":"ok"}`)),
		always("a failure inside", respond(200, `{"success":false,"error":{"code":"nope","message":"not done"}}`)),
		always("a number as a name", respond(200, `{"id":"id-1","name":42,"data":[{"id":"id-1","name":42}],"meta":{"total":1,"page":1,"per_page":20}}`)),
		always("a time that is none", respond(200, `{"id":"id-1","created_at":"soon","data":[{"id":"id-1","created_at":"soon"}],"meta":{"total":1,"page":1,"per_page":20}}`)),
	}
	all := crossSome([]fault{
		always("204", respond(204, "", "Content-Type", "")),
		always("white space", respond(200, " \n\t")),
		always("plain text", respond(200, "hello", "Content-Type", "text/plain")),
		always("HTML with Location", respond(201, "<html>hello</html>", "Content-Type", "text/html", "Location", "/v1/leads/id-1")),
		always("HTML, cut", cutAfter(200, "<html>hel")),
		always("a string", respond(200, `"hello"`)),
		always("null", respond(200, `null`)),
		always("an empty object", respond(200, `{}`)),
		always("cut short", respond(200, `{"id":"id-1","data":[{"id":"id-1"`)),
		always("garbage after it", respond(200, `{"id":"id-1","data":[],"meta":{"total":0,"page":1,"per_page":20}} garbage`)),
		always("an object as an id", respond(200, `{"id":{"n":1},"data":[{"id":{"n":1}}],"meta":{"total":1,"page":1,"per_page":20}}`)),
		always("null fields", respond(200, `{"id":"id-1","name":null,"created_at":null,"data":[{"id":"id-1","name":null}],"meta":{"total":1,"page":1,"per_page":20}}`)),
	})
	for _, op := range operations {
		all = append(all, cross([]operation{op}, append(faults,
			always("labelled text/plain", respond(200, op.good, "Content-Type", "text/plain")),
			always("without Content-Type", respond(200, op.good, "Content-Type", "")),
			always("labelled application/vnd.leedo+json", respond(200, op.good, "Content-Type", "application/vnd.leedo+json; charset=utf-8")),
			always("with a byte order mark", respond(200, "\ufeff"+op.good)),
			always("with invalid UTF-8", respond(200, strings.ReplaceAll(strings.ReplaceAll(op.good, "Doe", "D\xf6e"), "Corp", "C\xf6rp"))),
			always("202", respond(202, op.good)),
		))...)
		all = append(all, cross([]operation{op}, []fault{
			always("larger than allowed", respond(200, op.good+strings.Repeat(" ", 400))),
		}, leedo.WithMaxResponseBytes(400))...)
	}
	return all
}

func problemTraces() []trace {
	bodies := []struct{ name, contentType, body string }{
		{"error with code and message", "", `{"error":{"code":"bad","message":"wrong name"}}`},
		{"error as a text", "", `{"error":"wrong name"}`},
		{"error and error_description", "", `{"error":"invalid_request","error_description":"wrong name"}`},
		{"message", "", `{"message":"wrong name"}`},
		{"message and code", "", `{"message":"wrong name","code":"bad"}`},
		{"code as a number", "", `{"message":"wrong name","code":1201}`},
		{"RFC 9457", "application/problem+json", `{"type":"https://example.com/problems/wrong-name","title":"Wrong","detail":"wrong name","status":400}`},
		{"RFC 9457, about:blank", "application/problem+json", `{"type":"about:blank","title":"Wrong"}`},
		{"errors as texts", "", `{"errors":["wrong name","no e-mail"]}`},
		{"errors as objects", "", `{"errors":[{"code":"bad","message":"wrong name","field":"name"},{"message":"missing","field":"email"}]}`},
		{"errors by field", "", `{"message":"invalid","errors":{"name":["wrong","odd"],"email":"missing"}}`},
		{"message as an object", "", `{"message":{"name":["wrong"]}}`},
		{"errors of JSON:API", "", `{"errors":[{"code":"bad","detail":"wrong name","source":{"pointer":"/data/name"}}]}`},
		{"detail as a list", "", `{"detail":[{"loc":["body","name"],"msg":"field required","type":"missing"}]}`},
		{"a list at the top", "", `[{"message":"wrong name"}]`},
		{"fields at the top", "", `{"name":["is wrong"],"email":["is missing"]}`},
		{"success false", "", `{"success":false,"message":"wrong name"}`},
		{"camel case", "", `{"errorCode":"BAD","errorMessage":"wrong name"}`},
		{"an empty object", "", `{}`},
		{"null", "", `null`},
		{"empty", "", ``},
		{"text", "text/plain", `wrong name`},
		{"HTML", "text/html", `<html><title>wrong</title></html>`},
		{"JSON labelled as HTML", "text/html", `{"message":"wrong name"}`},
		{"cut JSON", "", `{"message":"wrong na`},
		{"several lines and control characters", "", `{"message":"wrong\nname\u0007\u001b[31m"}`},
		{"more than 200 runes", "", `{"message":"` + strings.Repeat("ä", 300) + `"}`},
		{"the token", "", `{"error":{"code":"bad","message":"the token ` + token + ` is wrong"}}`},
		{"the token in upper case", "", `{"message":"` + strings.ToUpper(token) + `"}`},
		{"over 64 KiB", "", `{"message":"wrong name","padding":"` + strings.Repeat("x", 70<<10) + `"}`},
		{"a byte order mark", "", "\ufeff" + `{"message":"wrong name"}`},
		{"invalid UTF-8", "", "{\"message\":\"wrong n\xe4me\"}"},
	}
	var all []trace
	for _, b := range bodies {
		header := []string{}
		if b.contentType != "" {
			header = append(header, "Content-Type", b.contentType)
		}
		ops := operationsNamed("Leads.Get", "Leads.Create")
		all = append(all, cross(ops[:1], []fault{always("404, "+b.name, respond(404, b.body, header...))})...)
		all = append(all, cross(ops[1:], []fault{always("422, "+b.name, respond(422, b.body, header...))})...)
	}
	return all
}
