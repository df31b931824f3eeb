package wire

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestProblemInEveryForm(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"error":{"code":"not_found","message":"no such lead"}}`:                         {"not_found", "no such lead"},
		`{"error":{"code":404,"message":"no such lead"}}`:                                 {"404", "no such lead"},
		`{"error":"no such lead"}`:                                                        {"", "no such lead"},
		`{"error":"invalid_token","error_description":"the token expired"}`:               {"invalid_token", "the token expired"},
		`{"message":"no such lead","code":"gone"}`:                                        {"gone", "no such lead"},
		`{"errors":["one","two"]}`:                                                        {"", "one; two"},
		`{"errors":[{"field":"name","message":"is missing"},{"detail":"x"}]}`:             {"", "name: is missing; x"},
		`{"errors":{"name":["is missing","is short"],"email":"is taken"}}`:                {"", "email: is taken; name: is missing, is short"},
		`{"message":"invalid","errors":["one"]}`:                                          {"", "invalid: one"},
		`{"type":"https://api.leedo.app/problems/no-such-lead","title":"T","detail":"D"}`: {"no-such-lead", "D"},
		`{"type":"about:blank","title":"Not Found","status":404}`:                         {"", "Not Found"},
		`["one","two"]`:    {"", "one; two"},
		`{"errors":"one"}`: {"", "one"},
		`{"error":{"error":{"code":"c","message":"m"}}}`:                    {"c", "m"},
		`{"message":"a","error":{"message":"b"}}`:                           {"", "a: b"},
		`{"error":{"code":"c","name":["is missing"],"target":["is bad"]}}`:  {"c", "name: is missing; target: is bad"},
		`{"errors":{"0":{"message":"a"},"1":{"message":"b"}}}`:              {"", "a; b"},
		`{"code":"c","email":"is invalid","lead_id":"lead-1"}`:              {"c", ""}, // may be a record
		`{"code":"c","email":"is invalid","request_id":"r-1"}`:              {"c", "email: is invalid"},
		`{"error":"failed","errors":{"name":["is missing"]}}`:               {"failed", "name: is missing"},
		`{"error":"It failed","errors":{"name":["is missing"]}}`:            {"", "It failed: name: is missing"},
		`{"message":"m","detail":"d"}`:                                      {"", "m: d"},
		`{"type":"error","error":{"type":"not_found_error","message":"m"}}`: {"not_found_error", "m"},
		`{"errors":[{"code":"a","message":"x"},{"code":"b"}],"code":"c"}`:   {"c", "x"},
		`{"errors":[{"message":"x"},{"code":"b","message":"y"}]}`:           {"b", "x; y"},
		`{"Error":{"ErrorCode":"E1","Message":"m"}}`:                        {"E1", "m"},
		"\ufeff" + `{"error":{"code":"c","message":"m"}}`:                   {"c", "m"},
		`not found`: {}, `<html>`: {}, ``: {}, `null`: {}, `[]`: {}, `"text"`: {}, `{}`: {}, `7`: {}, `true`: {}, `[1,null,[]]`: {},
		`{"error":null}`: {}, `{"error":[1]}`: {}, `{"errors":{}}`: {}, `{"errors":[[["x"]]]}`: {}, `{"message":{"a":1}}`: {},
		`{"message":"m"}{}`: {}, `{"message":"m"} x`: {}, `{"status":"error","success":false,"request_id":"r","path":"/v1/leads"}`: {},
		`{"id":"lead-1","name":"John Doe","email":"john@example.com","tags":["a"]}`: {}, // a record, not an error
	} {
		p := ReadProblem([]byte(body), "")
		if p.Code != want[0] || p.Message != want[1] {
			t.Errorf("%s: %q, %q; want %q", body, p.Code, p.Message, want)
		}
	}
}

// TestDataIsNoProblem: a server may echo what it received.
func TestDataIsNoProblem(t *testing.T) {
	for _, body := range []string{
		`{"name":"Jane","email":"jane@example.com"}`, `{"name":"Jane Doe","email":"jane@example.com"}`, `{"name":"Jane Doe","score":7}`, `{"name":"Jane Doe","vip":true}`,
		`{"name":"Jane Doe","tags":["a","b"]}`, `{"name":"Jane Doe","address":{"city":"Berlin"}}`, `{"name":"Jane Doe","value":"a b","role":"CTO"}`,
		`{"data":{"email":"jane@x"}}`, `{"data":{"name":"Jane Doe","email":"jane@x"}}`, `{"result":{"name":"Jane Doe","lead_id":7}}`, `{"data":["Jane","John"]}`,
		`{"lead":{"name":"Jane Doe","email":"jane@x"}}`, `{"leads":[{"name":"Jane Doe"}]}`, `{"leads":[{"address":{"city":"New York"}}]}`, `{"contacts":[{"title":"Sales Manager"}]}`, `[{"name":"Jane Doe","email":"jane@x"}]`,
		`{"tags":["a","b"]}`, `{"tags":["a"],"ids":["1","2"]}`, `{"value":"jane doe"}`, `{"input":"jane doe"}`, `{"received":{"name":"jane doe"}}`,
		`{"errors":{"email":{"value":"jane doe","kind":"x"}}}`, `{"errors":{"email":{"rejectedValue":"jane doe","kind":"x"}}}`,
		`{"error":{"email":{"input":"jane doe","rule":"email"}}}`, `{"detail":{"email":{"received":"jane doe"}}}`,
		`{"id":7,"notes":["called in May"]}`, `{"id":"lead-1","title":"","notes":["called in May"]}`,
	} {
		if p := ReadProblem([]byte(body), ""); p.Code != "" || p.Message != "" || p.Fields != nil {
			t.Errorf("%s: %+v", body, p)
		}
	}
	for body, want := range map[string]string{ // beside words, only lists of words are fields
		`{"message":"m","name":"Jane Doe"}`: "m", `{"message":"m","tags":["a","b"]}`: "m", `{"message":"m","hint":"Try it later"}`: "m",
		`{"message":"m","stack":["at f (x.js:1)"]}`: "m", `{"message":"m","warnings":["is deprecated soon"]}`: "m", `{"message":"m","data":["Jane Doe"]}`: "m",
		`{"message":"m","data":{"name":"Jane Doe"}}`: "m", `{"id":"e-1","message":"m","notes":["called in May"]}`: "m", `{"message":"m","input":{"name":["Jane Doe",1]}}`: "m",
		`{"errors":[{"message":"m","params":["a b"]}]}`: "m", `{"errors":[{"message":"m","constraints":["at most 5"]}]}`: "m",
	} {
		if p := ReadProblem([]byte(body), ""); p.Message != want || p.Fields != nil {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

// TestAReportOfASuccessHasNoFieldsAtTheTop, because that may be a record.
func TestAReportOfASuccessHasNoFieldsAtTheTop(t *testing.T) {
	for body, want := range map[string]string{
		`{"email":["is no address"]}`: "", `{"email":"is no address"}`: "", `{"success":false,"name":"Jane Doe"}`: "", `{"data":{"name":"Jane Doe"}}`: "",
		`{"data":["Jane Doe"]}`: "", `{"data":"Jane Doe"}`: "", `{"lead":{"message":"Jane Doe"}}`: "", `{"message":["is bad"],"email":["is bad"]}`: "is bad",
		`{"message":"m","notes":["called in May"]}`: "m", `{"message":"m","data":{"notes":["called in May"]}}`: "m", `{"error":{"code":"c","message":"m"}}`: "m",
		`{"errors":{"email":["is bad"]}}`: "email: is bad", `{"error":{"email":"is bad"}}`: "email: is bad", `{"data":[{"code":"c","message":"m"}]}`: "m",
		`{"data":{"errors":[{"field":"email","message":"is bad"}]}}`: "email: is bad",
	} {
		if p := ReadReport([]byte(body), ""); p.Message != want {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if p := ReadReport([]byte(`{"message":"tok_12345"}`), "tok_12345"); p.Message != "***" {
		t.Errorf("%+v", p)
	}
}

// TestFieldsOfAnyNameAreRead, including those whose names have another meaning and
// those beside words.
func TestFieldsOfAnyNameAreRead(t *testing.T) {
	for _, name := range []string{"message", "msg", "detail", "details", "messages", "fields", "title", "description", "reason", "issues"} {
		want := fmt.Sprint(map[string][]string{name: {"m is bad"}, "email": {"e is bad"}})
		for _, shape := range []string{`{"%s":["m is bad"],"email":["e is bad"]}`, `{"errors":{"%s":["m is bad"],"email":["e is bad"]}}`, `[{"%s":["m is bad"],"email":["e is bad"]}]`} {
			body := fmt.Sprintf(shape, name)
			if p := ReadProblem([]byte(body), ""); fmt.Sprint(p.Fields) != want {
				t.Errorf("%s: %+v", body, p)
			}
		}
		body := fmt.Sprintf(`{"%s":["m"],"email":["e"]}`, name)
		if p := ReadProblem([]byte(body), ""); !slices.Equal(p.Fields["email"], []string{"e"}) || !slices.Equal(p.Fields[name], []string{"m"}) {
			t.Errorf("%s: %+v", body, p)
		}
		if name == "fields" {
			continue
		}
		body = fmt.Sprintf(`{"%s":"It is bad.","email":["e is bad"]}`, name)
		if p := ReadProblem([]byte(body), ""); p.Message != "It is bad. email: e is bad" || len(p.Fields) != 1 {
			t.Errorf("%s: %+v", body, p)
		}
	}
	for body, want := range map[string]string{
		`{"message":"m","address":{"city":["is bad"],"zip":["required"]}}`:  "m: address.city: is bad; address.zip: required",
		`{"message":"m","data":{"email":["is bad"]}}`:                       "m: email: is bad",
		`{"error":{"message":"m","email":["is bad"]}}`:                      "m: email: is bad",
		`{"error":"bad","status":["is bad"]}`:                               "bad: status: is bad",
		`{"message":"m","non_field_errors":["is bad"]}`:                     "m, is bad",
		`{"errors":["is bad"],"email":["e is bad"]}`:                        "email: e is bad; is bad",
		`{"errors":{"message":"m is bad","email":"e is bad"}}`:              "email: e is bad; message: m is bad",
		`{"errors":{"message":"m is bad","email":["e is bad"]}}`:            "m is bad: email: e is bad",
		`{"errors":{"code":"c","message":"m","hint":"Try it later"}}`:       "m",
		`{"errors":{"message":"m","type":"t","status":400}}`:                "m",
		`{"id":["required"],"phone":["p is bad"]}`:                          "id: required; phone: p is bad",
		`{"email":"is no address","name":"","note":null,"tags":[]}`:         "email: is no address",
		`{"code":"c","message":"m","data":{"params":{"name":"is bad"}}}`:    "m",
		`{"address":{"city":"cannot be blank"},"name":"is too long"}`:       "address.city: cannot be blank; name: is too long",
		`{"value":["is too high"]}`:                                         "value: is too high",
		`{"errors":{"value":"is too high"}}`:                                "value: is too high",
		`{"error":{"_errors":["is bad"],"email":{"_errors":["Required"]}}}`: "is bad; email: Required",
		`{"messages":{"json":{"email":["is bad"]}}}`:                        "email: is bad",
		`{"errors":{"query":{"page":["is bad"]}}}`:                          "page: is bad",
		`{"query":{"page":["is bad"]}}`:                                     "page: is bad",
	} {
		if p := ReadProblem([]byte(body), ""); p.Message != want {
			t.Errorf("%s: %q, want %q", body, p.Message, want)
		}
	}
}

// TestTheTextOfAStatusIsNoCode, and it is no message if there is another.
func TestTheTextOfAStatusIsNoCode(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"error":"Bad Request","message":"m"}`:                                  {"", "m"},
		`{"error":"bad request","message":"m"}`:                                  {"", "m"},
		`{"error":"Conflict","code":"taken","message":"m"}`:                      {"taken", "m"},
		`{"error":"Unprocessable Entity","errors":["x y"]}`:                      {"", "x y"},
		`{"error":"Bad Request","errors":{}}`:                                    {"", "Bad Request"},
		`{"error":"Bad Request","email":["is bad"]}`:                             {"", "email: is bad"},
		`{"error":"Forbidden"}`:                                                  {"", "Forbidden"},
		`{"error":"forbidden_lead","message":"m"}`:                               {"forbidden_lead", "m"},
		`{"error":"Bad Request","message":["m"],"statusCode":400}`:               {"", "m"},
		`{"error":"Not Found","code":"gone"}`:                                    {"gone", "Not Found"},
		`{"type":"error.list","errors":[{"code":"not_found","message":"m"}]}`:    {"not_found", "m"},
		`{"type":"https://x.example/problems/bad","errors":[{"errorCode":"c"}]}`: {"c", ""},
		`{"type":"https://x.example/docs/errors/","title":"t","errors":[]}`:      {"", "t"},
		`{"type":"bad","error":{"error":{"code":"c","message":"m"}}}`:            {"c", "m"},
		`{"type":"bad","errors":[{"type":"other","message":"m"}]}`:               {"bad", "m"},
		`{"code":"a","errors":[{"code":"b","message":"m"}]}`:                     {"a", "m"},
	} {
		if p := ReadProblem([]byte(body), ""); p.Code != want[0] || p.Message != want[1] {
			t.Errorf("%s: %q, %q; want %q", body, p.Code, p.Message, want)
		}
	}
}

// TestAProblemSaysNothingTwice, and puts no colon after a full stop.
func TestAProblemSaysNothingTwice(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"is invalid","errors":["is invalid"]}`:                              "is invalid",
		`{"message":"is invalid","errors":{"email":["is invalid"]}}`:                    "email: is invalid",
		`{"message":"failed: email: is invalid","errors":{"email":["is invalid"]}}`:     "failed: email: is invalid",
		`{"errors":[{"field":"a","message":"x"},{"field":"a","message":"x"}]}`:          "a: x",
		`{"errors":[{"field":"a","message":"x"},{"field":"b","message":"x"}]}`:          "a: x; b: x",
		`{"message":"It failed.","errors":{"a":["Is short.","Is bad."],"b":["Is x."]}}`: "It failed. a: Is short. Is bad. b: Is x.",
		`{"message":"It failed:","errors":["x"]}`:                                       "It failed: x",
	} {
		if got := ReadProblem([]byte(body), "").Message; got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// TestAFieldIsNamedInManyWays, and nothing else is taken for a field.
func TestAFieldIsNamedInManyWays(t *testing.T) {
	for element, want := range map[string]string{
		`"field":"email"`: "email", `"name":"email"`: "email", `"path":"email"`: "email", `"path":["address","city"]`: "address.city",
		`"loc":["body","email"]`: "email", `"loc":["body"]`: "body", `"loc":["query","page"]`: "page", `"loc":["body","items",0,"name"]`: "items.0.name",
		`"source":{"pointer":"/data/attributes/email"}`: "email", `"source":{"parameter":"include"}`: "include", `"source":{"pointer":"/data"}`: "",
		`"source":{"pointer":"/data/relationships/account"}`: "account", `"source":{"pointer":""}`: "", `"source":"database"`: "",
		`"pointer":"#/profile/color"`: "profile.color", `"pointer":"#/a~1b"`: "a/b", `"attribute":"email"`: "email", `"property":"email"`: "email",
		`"param":"email"`: "email", `"parameter":"email"`: "email", `"fields":["Email"]`: "Email", `"fields":["A","B"]`: "", `"fields":[]`: "",
		`"propertyPath":"email"`: "email", `"field_name":"email"`: "email", `"field":"$.age"`: "age", `"field":" email "`: "email", `"field":7`: "", `"field":"body."`: "body.",
		`"name":"ValidationError","path":"email"`: "email", `"name":"ValidatorError"`: "", `"name":"No Such"`: "", `"path":"/v1/leads"`: "", `"path":"a b"`: "",
		`"name":["email"]`: "", `"field":["email"]`: "email", `"path":["is bad"]`: "", `"value":"John Doe"`: "", `"resource":"Lead"`: "", `"field":""`: "", `"field":null`: "",
	} {
		for _, shape := range []string{`[{%s,"message":"m"}]`, `{"errors":[{%s,"message":"m"}]}`, `{"error":{"details":[{%s,"message":"m"}]}}`} {
			p := ReadProblem(fmt.Appendf(nil, shape, element), "")
			message := "m"
			if want != "" {
				message = want + ": m"
			}
			if p.Message != message || len(p.Fields) != min(len(want), 1) || want != "" && !slices.Equal(p.Fields[want], []string{"m"}) {
				t.Errorf(shape+": %+v, want field %q", element, p, want)
			}
		}
	}
	for _, body := range []string{
		`{"message":"m","path":"/v1/leads"}`, `{"message":"m","name":"email"}`, `{"message":"m","path":"leads"}`, `{"error":{"message":"m","name":"NotFound"}}`,
		`{"non_field_errors":["m"]}`, `{"errors":{"base":["m"]}}`, `{"errors":{"__all__":["m"]}}`, `{"errors":{"":["m"]}}`, `{"_error":"m"}`,
		`{"errors":{"0":{"message":"m"}}}`, `{"error":{"message":{"lang":"en-US","value":"m"}}}`,
	} {
		if p := ReadProblem([]byte(body), ""); p.Message != "m" || p.Fields != nil {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

// TestTheCodeIsNeverMasked, and yet reveals no token.
func TestTheCodeIsNeverMasked(t *testing.T) {
	const odd = `tok/"Sec:ret#42`
	for _, tt := range []struct{ token, body, want string }{
		{"validation", `{"code":"validation_failed"}`, "validation_failed"},
		{"validation", `{"code":"VALIDATION-FAILED"}`, "VALIDATION-FAILED"},
		{"validation", `{"type":"https://leedo.app/validation-failed","title":"t"}`, "validation-failed"},
		{"validation", `{"code":"validation"}`, ""},
		{"validation", `{"code":"validation_1"}`, ""},
		{"validation", `{"code":"bad validation"}`, ""},
		{"valid", `{"code":"valid"}`, "valid"}, // too short to be masked
		{"tok_12345", `{"code":"bad_TOK_12345"}`, ""},
		{"tok_12345", `{"type":"https://leedo.app/tok_12345/x","title":"t"}`, ""},
		{odd, `{"type":"https://leedo.app/tok/\"Sec:ret#42","title":"t"}`, ""},
		{odd, `{"type":"https://leedo.app/tok/\"Sec:ret#42-and-many-letters","title":"t"}`, ""},
		{"validation", `{"code":"failed:validation"}`, ""},
		{"validation-x", `{"code":"validation-x-failed"}`, ""},
		{"kJhGfDsAqWeRtYuIoP", `{"code":"unknown_token:kJhGfDsAqWeRtYuIoP"}`, ""},
		{"kJhGfDsAqWeR", `{"code":"unknown_kJhGfDsAqWeR"}`, ""},
		{"sk_live_abcdefghijkl", `{"code":"unknown_token_sk_live_abcdefghijkl"}`, ""},
		{"abcdefghijklmno", `{"code":"no_abcdefghijklmno"}`, "no_abcdefghijklmno"},
		{"abcdefghijklmnop", `{"code":"no_abcdefghijklmnop"}`, ""}, // too long for a word
		{"tok_12345", `{"code":"tok_12345","errors":[{"code":"c","message":"m"}]}`, "c"},
	} {
		if p := ReadProblem([]byte(tt.body), tt.token); p.Code != tt.want {
			t.Errorf("%s: code %q, want %q", tt.body, p.Code, tt.want)
		}
	}
}

// TestTheTokenIsMaskedFromEightCharacters: a shorter one may be part of a word.
func TestTheTokenIsMaskedFromEightCharacters(t *testing.T) {
	for token, want := range map[string]string{"test": "the latest TEST1234 is bad", "test123": "the latest TEST1234 is bad", "test1234": "the latest *** is bad"} {
		if p := ReadProblem([]byte(`{"message":"the latest TEST1234 is bad"}`), token); p.Message != want {
			t.Errorf("%s: %q", token, p.Message)
		}
	}
	if got := MaskSecret("a jane b", "Jane"); got != "a *** b" {
		t.Errorf("another secret: %q", got)
	}
	// In a field's name that is composed of parts or split.
	const token = "alpha/beta.gamma"
	for _, body := range []string{
		`{"errors":{"alpha/beta.gamma":["m"]}}`, `{"errors":{"alpha/beta":{"gamma":["m"]}}}`, `[{"path":["alpha/beta","gamma"],"message":"m"}]`,
		`[{"source":{"pointer":"/data/attributes/alpha/beta.gamma"},"message":"m"}]`, `[{"field":"/alpha/beta.gamma","message":"m"}]`,
	} {
		p := ReadProblem([]byte(body), token)
		if text := fmt.Sprint(p); strings.Contains(text, "alpha") || strings.Contains(text, "gamma") || len(p.Fields) != 1 {
			t.Errorf("%s: %s", body, text)
		}
	}
}

// hugeBodies are as large as the bodies of errors can be, and contain little of
// use.
func hugeBodies() map[string]string {
	const size = 64 << 10
	fill := func(begin, repeat, end string) string {
		return begin + strings.Repeat(repeat, (size-len(begin)-len(end))/len(repeat)) + end
	}
	key := strings.Repeat("k", size/2)
	nest := func(n int) string { return strings.Repeat(`{"error":`, n) + `"x"` + strings.Repeat("}", n) }
	fields := strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(&fields, `"f%d":["x"],`, i)
	}
	return map[string]string{
		"brackets":         strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
		"lists":            fill(`[1`, `,[]`, `]`),
		"objects":          fill(`[1`, `,{}`, `]`),
		"words":            fill(`["x"`, `,"tok_1234"`, `]`),
		"nested":           nest(6500),
		"nested names":     strings.Repeat(`{"a":`, 9_000) + `["x"]` + strings.Repeat("}", 9_000),
		"a long key":       fill(`{"errors":{"`+key+`":["x"`, `,"12345678"`, `]}}`),
		"fields":           `{"errors":{` + fields.String() + `"z":"x"}}`,
		"a long word":      fill(`{"message":"x`, `\u0001`, `"}`),
		"a long type":      fill(`{"type":"x`, `/`, `"}`),
		"objects by field": fill(`{"message":{"a":{}`, `,"b":{"c":{"d":{"e":{"f":{"g":"x"}}}}}`, `}}`),
	}
}

// TestAProblemIsBounded in memory and in work, which is measured by allocations because
// time depends on the machine, whatever the body is.
func TestAProblemIsBounded(t *testing.T) {
	for name, body := range hugeBodies() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		checkProblem(t, ReadProblem([]byte(body), "tok_12345"))
		runtime.ReadMemStats(&after)
		used, allocations := after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
		if used > 20<<20 || allocations > 6*uint64(len(body)) {
			t.Errorf("%s: %d MiB in %d allocations for %d bytes", name, used>>20, allocations, len(body))
		}
	}
	for depth, want := range map[int]string{1: "x", 6: "x", 7: ""} {
		body := strings.Repeat(`{"error":`, depth) + `"x"` + strings.Repeat("}", depth)
		if p := ReadProblem([]byte(body), ""); p.Message != want {
			t.Errorf("at depth %d: %q", depth, p.Message)
		}
	}
}

func TestAProblemIsTheSameEveryTime(t *testing.T) {
	const body = `{"errors":{"b":["x"],"a":{"d":"y","c":"z"},"_error":"w"},"Message":"m","message":"n","MESSAGE":"o"}`
	want := fmt.Sprint(ReadProblem([]byte(body), ""))
	for range 50 {
		if got := fmt.Sprint(ReadProblem([]byte(body), "")); got != want {
			t.Fatalf("%s, then %s", want, got)
		}
	}
}

func checkProblem(t *testing.T, p Problem) {
	t.Helper()
	texts := []string{p.Code, p.Message}
	if p.Fields != nil && len(p.Fields) == 0 || len(p.Fields) > maxFields {
		t.Errorf("%d fields", len(p.Fields))
	}
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		if n := len(p.Fields[field]); n == 0 || n > maxWords || field == "" || slices.Contains(p.Fields[field], "") {
			t.Errorf("%q has %d texts", field, n)
		}
		texts = append(append(texts, field), p.Fields[field]...)
	}
	for _, s := range texts {
		if strings.ContainsAny(s, "\n\r\x00\x1b\u2028") || utf8.RuneCountInString(s) > maxLine || !utf8.ValidString(s) {
			t.Errorf("%q", s)
		}
	}
}

func FuzzProblem(f *testing.F) {
	for _, body := range []string{
		`{"error":{"code":"a","message":"b"},"errors":[{"field":"x"}]}`, strings.Repeat(`{"errors":`, 100),
		`{"message":{"email":["is invalid","is too long"]},"code":"tok_12345"}`, `[{"message":"tok_12345","errorCode":"TWICE","fields":["Email"]}]`,
		`{"detail":[{"loc":["body","tok_12345"],"msg":"m","type":"t"}]}`, `{"errors":[{"source":{"pointer":"/data/attributes/email"},"title":"t"}]}`,
		`{"email":["x"],"a":{"b":{"c":"x"}},"non_field_errors":["y"]}`, `{"error":{"details":[{"@type":"t","fieldViolations":[{"field":"f","description":"d"}]}]}}`,
		`{"message":["m"],"email":["e"],"json":{"a":["b c"]}}`, `[{"property":"a","constraints":{"x":"y"},"children":[{"property":"tok_12345"}]}]`,
		`{"code":"c","data":{"status":400,"params":{"a":"b c"}},"status":{"code":"d"},"_embedded":{"errors":[{"message":"m"}]}}`,
		`{"errors":[{"message":"m","details":{"api_name":"tok_12345"},"extensions":{"code":"c"},"path":["p"]}],"fault":{"faultstring":"f"}}`,
		`{"type":"https://x/y#z","errors":{"0":{"name":"n","path":["p",1]},"":"w"}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 64<<10 {
			t.Skip("longer than the body of an error is read")
		}
		const token = "tok_12345"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ReadProblem(body, token)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 2<<20+200*uint64(len(body)) {
			t.Errorf("%d bytes of memory for %d", n, len(body))
		}
		for _, p := range []Problem{ReadProblem(body, token), ReadReport(body, token)} {
			checkProblem(t, p)
			if text := fmt.Sprintf("%q", p); strings.Contains(strings.ToLower(text), token) {
				t.Errorf("%s shows the token", text)
			}
		}
	})
}
