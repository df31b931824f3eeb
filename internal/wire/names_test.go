package wire

import (
	"fmt"
	"strings"
	"testing"
)

// TestProblemsInLessUsualForms: what is read is what the names mean in the place where
// they are.
func TestProblemsInLessUsualForms(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		// Of several keys with the same plain name, the plain one is read, else the first; null is as good as missing.
		`{"Error_Code":"a","errorCode":"b","message":"m"}`:                            {"a", "m"},
		`{"error_code":"a","errorcode":"c","message":"m"}`:                            {"c", "m"},
		`{"error_code":"a","errorcode":null,"message":"m"}`:                           {"a", "m"},
		`{"error_code":null,"errorcode":null,"message":"m"}`:                          {"", "m"},
		`{"code":"a","extensions":{"code":"b"},"message":"m"}`:                        {"a", "m"},
		`[{"message":"m","extensions":{"code":"b"}}]`:                                 {"b", "m"},
		`[{"field":"a","details":{"api_name":"b"},"message":"m"}]`:                    {"", "a: m"},
		`[{"details":{"api_name":"b"},"message":"m"}]`:                                {"", "b: m"},
		`{"code":"c","message":"m","data":{"status":400,"params":{"name":"is bad"}}}`: {"c", "m: name: is bad"},
		`{"message":"m","data":{"status":400,"params":{"name":"is bad"}}}`:            {"", "m"},
		`{"code":"c","message":"m","data":{"status":404}}`:                            {"c", "m"},

		// Names of words are names of fields where keys are.
		`{"errors":{"email":"taken"}}`:                                 {"", "email: taken"},
		`{"errors":{"result":{"code":"c","description":"It is bad"}}}`: {"c", "It is bad"},
		`{"errors":{"title":"is too long"}}`:                           {"", "title: is too long"},
		`{"errors":{"reason":"is bad","email":"is taken"}}`:            {"", "email: is taken; reason: is bad"},
		`{"errors":{"message":"m","hint":"later"}}`:                    {"", "m"},
		`{"errors":{"body":{"title":"is bad"}}}`:                       {"", "title: is bad"},
		`{"errors":{"fields":{"title":"is bad"}}}`:                     {"", "title: is bad"},
		`{"errors":{"fields":{"title":"is bad"},"a":"is bad"}}`:        {"", "a: is bad; title: is bad"},
		`{"errors":{"messages":["is bad"]}}`:                           {"", "is bad"},
		`{"errors":{"messages":["is bad"],"a":["is bad"]}}`:            {"", "a: is bad; messages: is bad"},
		`{"errors":{"messages":["is bad"],"a":["is"]}}`:                {"", "a: is; messages: is bad"},
		`{"path":["is bad"],"email":["is taken"]}`:                     {"", "email: is taken; path: is bad"},
		`{"message":"m","a":{"query":{"b":["is bad"]}}}`:               {"", "m: a.query.b: is bad"},
		`{"message":"m","query":{"b":["is bad"]}}`:                     {"", "m: b: is bad"},
		`{"email":"is bad","status":"not good","url":"a b"}`:           {"", "email: is bad"},
		`{"address":{"status":"not good"},"email":"is bad"}`:           {"", "address.status: not good; email: is bad"},
		`{"errors":[{"name":"required"}]}`:                             {"", "name: required"},
		`{"errors":[{"path":"required"}]}`:                             {"", "path: required"},

		// Below a name of errors, one word is enough.
		`{"error":{"email":"taken"}}`:                {"", "email: taken"},
		`{"error":{"data":{"email":"taken"}}}`:       {"", "email: taken"},
		`{"base":{"email":"taken"}}`:                 {"", "email: taken"},
		`{"data":{"email":"taken"}}`:                 {},
		`{"error":{"detail":["m"],"city":["Rome"]}}`: {"", "m"},
		`{"message":"m","errors":[1001,1002]}`:       {"", "m: 1001; 1002"},
		`{"message":"m","details":[1001]}`:           {"", "m"},

		// Lists of errors.
		`{"error":"invalid","errors":["x y"]}`:                                  {"invalid", "x y"},
		`{"error":"invalid","errors":[]}`:                                       {"", "invalid"},
		`{"error":"invalid","errors":{}}`:                                       {"", "invalid"},
		`{"message":"m","fields":{"email":["is bad"]}}`:                         {"", "m: email: is bad"},
		`{"message":"m","fields":[{"field":"email","message":"is bad"}]}`:       {"", "m: email: is bad"},
		`{"type":"https://x.example/problems/bad/","title":"t"}`:                {"bad", "t"},
		`{"error":{"message":"m","name":"email"}}`:                              {"", "email: m"},
		`{"error":{"message":"m","path":"email"}}`:                              {"", "email: m"},
		`{"error":{"message":"m","extensions":{"a":1},"email":["is bad"]}}`:     {"", "m: email: is bad"},
		`{"errors":[{"message":"m","path":["lead"],"locations":[{"line":1}]}]}`: {"", "m"},
		`{"errors":[{"message":"m","path":["lead"],"extensions":{"a":1}}]}`:     {"", "m"},
		`{"error":"Continue","message":"m"}`:                                    {"", "m"},
		`{"error":"Network Authentication Required","message":"m"}`:             {"", "m"},

		// Errors inside of others, as class-validator nests them.
		`[{"property":"a","children":[{"property":"b","constraints":{"x":"is bad"}}]}]`: {"", "a.b: is bad"},
		`[{"property":"a","children":[{"constraints":{"x":"is bad"}}]}]`:                {"", "a: is bad"},
		`[{"children":[{"property":"b","constraints":{"x":"is bad"}}]}]`:                {"", "b: is bad"},
		`[{"property":"a","children":["is bad"]}]`:                                      {"", "a: is bad"},
	} {
		if p := ReadProblem([]byte(body), ""); p.Code != want[0] || p.Message != want[1] {
			t.Errorf("%s: %q, %q; want %q", body, p.Code, p.Message, want)
		}
	}
}

// TestAStringBesideDataIsData, unless a name says that it is about an error. Words are
// not data, nor are lists that have words among them.
func TestAStringBesideDataIsData(t *testing.T) {
	t.Parallel()
	for value, data := range map[string]bool{
		`null`: false, `""`: false, `"is bad"`: false, `[]`: false, `{}`: false, `["is bad"]`: false, `["required","is bad"]`: false,
		`{"a":"is bad"}`: false, `{"a":"","b":null}`: false, `{"a":["is bad"],"b":["required"]}`: false, `{"a":["is bad"],"b":[]}`: false,
		`{"a":{"b":["is bad"],"c":["required"]},"d":["required"]}`: false, `{"status":7}`: false, `{"a":"is bad","b":["is bad"]}`: false,
		`{"a":["is bad"],"b":["required"],"c":["required"]}`: false,
		`7`: true, `true`: true, `"Rome"`: true, `["Rome"]`: true, `["Rome","Paris"]`: true, `["is bad",7]`: true, `[{"a":"is bad"}]`: true, `[[]]`: true,
		`{"a":"Rome"}`: true, `{"a":["Rome"]}`: true, `{"a":["Rome"],"b":7}`: true, `{"a":["is bad"],"b":7}`: true, `{"a":["is bad"],"b":"Rome"}`: true,
		`{"a":{"b":["Rome"]}}`: true, `{"a":{"b":["Rome"]},"c":"is bad"}`: true, `{"a":["is bad"],"b":{"c":7}}`: true, `{"a":["is bad"],"b":["is",7]}`: true,
	} {
		body := `{"name":"Jane Doe","x":` + value + `}`
		if p := ReadProblem([]byte(body), ""); (p.Fields["name"] == nil) != data {
			t.Errorf("%s: %+v, is data: %v", body, p, data)
		}
	}
	for _, body := range []string{ // Rome is data
		`{"address":{"detail":["m"],"city":["Rome"]}}`, `{"leads":[{"city":"Rome city","notes":["called in May"]}]}`, `{"message":"m","name":["Rome city",1]}`,
		`{"errors":[{"field":"email","city":"Rome"}]}`, `{"errors":[{"fields":["email"],"city":"Rome"}]}`,
	} {
		if p := ReadProblem([]byte(body), ""); strings.Contains(fmt.Sprint(p), "Rome") {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

// TestAWordInACodeIsNoToken, if the code consists of letters and what joins words.
func TestAWordInACodeIsNoToken(t *testing.T) {
	t.Parallel()
	const joins = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-."
	for c := '!'; c <= '~'; c++ {
		code := "azazazaz" + string(c)
		want := ""
		if strings.ContainsRune(joins, c) {
			want = code
		}
		if p := ReadProblem(fmt.Appendf(nil, `{"code":%q}`, code), "azazazaz"); p.Code != want {
			t.Errorf("%s: code %q, want %q", code, p.Code, want)
		}
	}
	for _, token := range []string{"Azazazaz", "azaz-zaz", "azaz.zaz", "azaz_zaz"} {
		if p := ReadProblem([]byte(`{"code":"no_`+token+`"}`), token); p.Code != "" {
			t.Errorf("%s: code %q", token, p.Code)
		}
	}
}
