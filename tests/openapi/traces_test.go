package openapi_test

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// sent matches a request in the traces of tests/behaviour, whose README.md describes
// the format. Requests to another origin than the API's are omitted: they are about base
// URLs.
var sent = regexp.MustCompile(`^ +\S+  ([A-Z]+) /v1(/\S*)((?: \[[^\]]*\])*)(?: (\{.*\}|\[.*\]))? -> `)

// undescribed match the requests of the traces that do not fit, because the caller chose
// what the documentation does not have.
var undescribed = []*regexp.Regexp{
	regexp.MustCompile(`^(DELETE|HEAD|PURGE|PUT) `),              // other methods, with Do
	regexp.MustCompile(`^GET /(again|moved|a%2Fb)? `),            // redirects, and other paths with Do
	regexp.MustCompile(`[?&](a|q|secret|sort)=`),                 // WithQuery
	regexp.MustCompile(`^(GET /leads/id-1|POST /leads)[?]page=`), // WithQuery, not on a list
	regexp.MustCompile(`"score":`),                               // custom fields
}

// TestTraces checks every request that the SDK sends in the traces of its behaviour.
func TestTraces(t *testing.T) {
	t.Parallel()
	check := newChecker(t, load(t))
	files, err := filepath.Glob("../behaviour/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files of traces, %v", len(files), err)
	}
	requests := map[string][]string{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if m := sent.FindStringSubmatch(lines.Text()); m != nil {
				requests[m[1]+" "+m[2]+" "+m[4]] = m
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}

	fit := 0
	used := make([]bool, len(undescribed))
	for text, m := range requests {
		method, path, body := m[1], m[2], []byte(m[4])
		if m[4] == "" {
			if method == "POST" || method == "PATCH" || method == "PUT" {
				continue // the connection failed before the body was sent, so the trace has none
			}
			body = nil
		}
		_, err := check.request(newRequest(t, method, path, body))
		i := slices.IndexFunc(undescribed, func(re *regexp.Regexp) bool { return re.MatchString(text) })
		switch {
		case i >= 0:
			used[i] = true
			if err == nil {
				t.Errorf("%s fits, although %s is said not to", text, undescribed[i])
			}
		case err != nil:
			t.Errorf("%s: %v", text, err)
		default:
			fit++
		}
	}
	for i, re := range undescribed {
		if !used[i] {
			t.Errorf("no request matches %s", re)
		}
	}
	t.Logf("%d different requests, %d fit", len(requests), fit)
	if fit < 50 {
		t.Errorf("only %d requests fit", fit)
	}
}
