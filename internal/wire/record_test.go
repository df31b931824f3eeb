package wire

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRecordID: a wrong id is worse than none.
func TestRecordID(t *testing.T) {
	const at = "https://api.leedo.app/v1"
	for _, tt := range []struct{ body, location, target, id, want string }{
		{`{"id":"new-1","name":{}}`, "", "/leads", "", "new-1"},
		{`{"id":7}`, "", "/leads", "", "7"},
		{`{"ID":"new-1"}`, "", "/leads", "", "new-1"},
		{"\xef\xbb\xbf" + `{ "name":"n", "id" : "n\u0065w" , "x"`, "", "/leads", "", "new"},
		{`{"id":"new-1","na`, "", "/leads", "", "new-1"},
		{`{"id":"new-`, "", "/leads", "", ""},
		{`{"name":,"id":"new-1"}`, "", "/leads", "", ""},
		{`["id":"new-1"}`, "", "/leads", "", ""},
		{`{"id":null}`, "", "/leads", "", ""},
		{`{"id":" "}`, at + "/leads/new-2", "/leads", "", "new-2"},
		{`{"id":"","name":"n"}`, "/v1/leads/new-2", "/leads", "", "new-2"},
		{`{"id":0}`, "/v1/leads/new-2", "/leads", "", "new-2"},
		// An envelope counts only if no other object may be the record.
		{`{"lead":{"id":"new-1"}}`, "", "/leads", "", "new-1"},
		{`{"data":{"id":"new-1","x`, "", "/leads", "", "new-1"},
		{`{"data":{"id":"new-1"},"meta":{"a":1}}`, "", "/leads", "", "new-1"},
		{`{"data":{"id":"inner"},"id":"outer"}`, "", "/leads", "", "outer"},
		{`{"lead":{"id":"L1"},"account":{"id":"A1"}}`, "", "/leads", "", ""},
		{`{"name":"n","account":{"id":"A1","x":1},"created_at":"2025`, "", "/leads", "", ""},
		{`{"name":{},"campaign":{"id":"C1"}}`, "/v1/leads/L1", "/leads", "", "L1"},
		{`{"name":[],"account":{"id":"A1"}}`, "", "/leads/L1", "L1", "L1"},
		{`{"name":[],"item":{"id":"product-7"}}`, "", "/leads", "", ""},
		{`{"owner":{"id":"other"}}`, "", "/leads", "", ""},
		{`{"data":[{"id":"other"}]}`, "", "/leads", "", ""},
		// A Location counts if it is in the collection that was requested.
		{`<html>`, "/v1/leads/new-2", "/leads", "", "new-2"},
		{``, "https://api.leedo.app:443/v1/leads/x", "/leads", "", ""},
		{``, "https://API.leedo.app/v1/leads/a%2Fb/?x=y#z", "/leads", "", ""},
		{``, at + "/leads/a%2Fb/?x=y#z", "/leads", "", "a/b"},
		{``, "https://evil.example/v1/leads/L1", "/leads", "", ""},
		{``, "/v1/accounts/A1/leads/L1", "/leads", "", ""},
		{``, "/v1/archived/leads/L1", "/leads", "", ""},
		{``, "leads/new-2", "/leads", "", "new-2"},
		{``, "/v1/leads", "/leads", "", ""},
		{``, "/v1/leads/", "/leads", "", ""},
		{``, "/login", "/leads", "", ""},
		{``, "/v1/leads/..", "/leads", "", ""},
		{``, "/v1/leads/a/b", "/leads", "", ""},
		{``, "/v1/accounts/new-2", "/leads", "", ""},
		{``, ":", "/leads", "", ""},
		{`<html>`, "", "/leads/old%2F1", "old%2F1", "old/1"},
		{`{"id":"moved"}`, "", "/leads/old", "old", "moved"},
	} {
		target, err := url.Parse(at + tt.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := RecordID(http.Header{"Location": {tt.location}}, []byte(tt.body), target, tt.id); got != tt.want {
			t.Errorf("%s, %q: %q, want %q", tt.body, tt.location, got, tt.want)
		}
	}
}

func TestASuccessMayReportAFailure(t *testing.T) {
	for body, want := range map[string]bool{
		`{"success":false}`: true, `{"ok":false,"error":"no"}`: true, `{"success":"false","message":"no"}`: true, `{"status":"error","message":"no"}`: true,
		`{"error":{"code":"c","message":"m"}}`: true, `{"error":"no"}`: true, `{"errors":[{"message":"m"}]}`: true, `{"error":true,"message":"m"}`: true,
		`{"data":null,"errors":[{"message":"m"}]}`: true, `{"success":false,"data":[],"message":"m"}`: true, `{"id":null,"error":"no"}`: true,
		`{"type":"about:blank","title":"Not Found","status":404}`: true, `{"success":false,"created":3,"errors":["x"]}`: true, ` {"Success": false }`: true,
		`{"success":false,"data":[],"meta":{"total":0}}`: true, `{"error":{"code":"c"},"request_id":"r"}`: true, "\xef\xbb\xbf" + `{"error":"no"}`: true,
		`{"id":0,"success":false,"message":"duplicate"}`: true, `{"jsonrpc":"2.0","error":{"code":-1,"message":"m"},"id":null}`: true,
		`{"errorCode":"x","message":"m"}`: true, `{"title":"t","detail":"d","status":"400"}`: true, `{"error":"x","hint":"y"}`: true, `{"status":"failed"}`: true,
		// Records, pages, results of other kinds, and what is merely unusable.
		`{"id":"x","success":false}`: false, `{"success":false,"id":"x"}`: false, `{"id":7,"error":"none","status":"error"}`: false, `{"ID":"x","success":false}`: false,
		`{"data":[{"id":"x"}],"success":false}`: false, `{"success":false,"data":[ {"id":"x"}]}`: false, `{"data":[],"meta":{"total":0}}`: false,
		`{"data":[],"errors":[]}`: false, `{"error":null}`: false, `{"error":""}`: false, `{"error":false}`: false, `{"message":"created"}`: false, `{}`: false,
		`{"success":true,"errors":["a warning"]}`: false, `{"success":true}`: false, `{"created":3,"errors":["x"]}`: false, `{"status":"new","name":"n"}`: false,
		`{"status":200,"message":"ok"}`: false, `[]`: false, ``: false, `{"error":"cut`: false, `{"error":"no"`: false, `"error"`: false, `null`: false,
		`{"lead":{"id":"x"},"error":"no"}`: false, `{"success":false,"data":{"id":"x"}}`: false,
		`{"status":"failed","rows":10}`: false, `{"job_id":"j1","status":"error"}`: false, `{"email":"x","ok":false}`: false, `{"success":0,"failed":2,"total":2}`: false,
		`{"ok":0,"failed":0,"total":0}`: false, `{"errors":3}`: false, `{"error":0.5}`: false, `{"status":404}`: false, `{"code":"OK","message":"created"}`: false,
		`{"data":[],"meta":{"total":0,"page":1},"error":"none"}`: false, `{"data":[],"meta":{"page":1},"status":404}`: false, `{"data":[],"errors":{"a":[]}}`: false,
		`{"data":[],"error":{"code":0,"message":""}}`: false,
		`{"ok":false}`: true, `{"ok":false,"message":"no"}`: true, `{"ok":"false"}`: true, `{"ok":true,"error":"a warning"}`: false, `{"ok":null,"error":"no"}`: true,
		`{"success":null,"error":"no"}`: true, `{"name":"n","success":null,"error":"no"}`: false, `{"success":null}`: false,
		`{"error":"no","meta":{}}`: true, `{"error":"no","meta":{"total":0}}`: true, `{"error":"no","meta":"x"}`: true, `{"error":"no","meta":{"total":1}}`: false,
		`{"status":399,"message":"m"}`: false, `{"status":400,"message":"m"}`: true, `{"status":599,"message":"m"}`: true, `{"status":600,"message":"m"}`: false,
		`{"status":4040,"message":"m"}`: false, `{"status":404,"message":""}`: false, `{"status":404,"message":"m","title":""}`: true, `{"status":"failure"}`: true,
		`{"error":"no","a":}`: false, `{"error":"no","a" 1}`: false, `{"error":"no",1}`: false, `["error":"no"}`: false, `{"a":,"error":"no"}`: false, `{"a" "error":"no"}`: false, `{"data":[null],"error":"no"}`: true,
		`{"success":false}` + strings.Repeat(" ", maxReport-17): true, `{"success":false}` + strings.Repeat(" ", maxReport-16): false,
	} {
		if got := Failed([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// TestDone: a 2xx that may not come from the API proves nothing.
func TestDone(t *testing.T) {
	const post, patch = http.MethodPost, http.MethodPatch
	for _, tt := range []struct {
		method, path, body, location string
		want                         bool
	}{
		{post, "/leads", "", "", true},
		{post, "/leads", " \n", "", true},
		{post, "/leads", "\xef", "", true},
		{post, "/leads", "\xef\xbb\xbf", "", true},
		{post, "/leads", "\xef\xbb\xbf[]", "", true},
		{post, "/leads", `{"a":`, "", true},
		{post, "/leads", `"ok"`, "", true},
		{post, "/leads", "-1", "", true},
		{post, "/leads", "ok", "", false},
		{post, "/leads", "x", "", false},
		{post, "/leads", "<html>", "", false},
		{post, "/leads", "{}{}", "", false},
		{post, "/leads", `{"id":"x"}{}`, "", true},
		{post, "/leads", `{"lead":{"id":"x"}}{}`, "", true},
		{post, "/leads", `{"account":{"id":"x"}}{}`, "", false},
		{post, "/leads", "ok", "/v1/leads/x", true},
		{post, "/leads", "ok", "/v1/leads", false}, // the collection is not a record
		{post, "/leads", "ok", "/v1/login", false},
		{patch, "/leads/x", "ok", "/v1/leads/x", true},
		{patch, "/leads/x", "ok", "/v1/leads/x/", true},
		{patch, "/leads/x", "ok", "https://api.leedo.app/v1/leads/x?a=b", true},
		{patch, "/leads/x", "ok", "https://evil.example/v1/leads/x", false},
		{patch, "/leads/x", "ok", "/v1/leads/xy", false},
		{patch, "/leads/x", "ok", "/v1/leads", false},
		{patch, "/leads/x", "ok", ":", false},
		{patch, "/leads/x", "ok", "", false}, // the id that was requested proves nothing
	} {
		target, err := url.Parse("https://api.leedo.app/v1" + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := Done(http.Header{"Location": {tt.location}}, []byte(tt.body), tt.method, target); got != tt.want {
			t.Errorf("%s %s, %q, %q: %v", tt.method, tt.path, tt.body, tt.location, got)
		}
	}
	for body, want := range map[string]bool{"<html>": true, "\xef\xbb\xbf\r\n <?xml": true, "": false, "a < b": false, `{"a":"<b>"}`: false} {
		if IsMarkup([]byte(body)) != want {
			t.Errorf("%q: %v", body, !want)
		}
	}
}
