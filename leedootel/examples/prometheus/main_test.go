package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// start runs the program until the test ends, and returns the URL that it prints.
func start(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- run(ctx, []string{"-listen", "127.0.0.1:0"}, out, io.Discard) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 100)
	n, err := in.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line[:n]))
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err)
	}
	return string(body)
}

// TestMetrics checks that the first rounds show each metric, with the labels and names
// that the expressions in README.md use.
func TestMetrics(t *testing.T) {
	url := start(t)
	wants := []string{
		`\nhttp_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",server_address="api.leedo.app",server_port="443",url_template="/leads"} \d`,
		`\nhttp_client_request_duration_seconds_bucket{error_type="503",http_request_method="GET",http_response_status_code="503",`,
		`\nhttp_client_request_duration_seconds_bucket{error_type="net.OpError",http_request_method="POST",server_address=`,
		`\nleedo_quota_limit 20\n`,
		`\nleedo_quota_remaining \d`,
		`\nleedo_quota_wait_seconds_count{leedo_priority="interactive",leedo_wait_reason="quota"} [1-9]`,
		`\nleedo_calls_refused_total{leedo_priority="bulk"} 0\n`,
		`\nleedo_calls_refused_total{leedo_priority="interactive"} [1-9]`,
		`\nleedo_outcomes_unknown_total [1-9]`,
		`\nleedo_retries_total [1-9]`,
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(leedo|http_client)_[a-z_]+`).FindAllString(string(readme), -1)
	if len(names) < 8 {
		t.Errorf("found only %q in README.md", names)
	}
	for _, name := range names {
		wants = append(wants, `\b`+name+`\b`)
	}
	// The first wait ends after the window of five seconds.
	deadline := time.Now().Add(time.Minute)
	for {
		missing := ""
		got := get(t, url)
		for _, want := range wants {
			if !regexp.MustCompile(want).MatchString(got) {
				missing = want
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s in\n%s", missing, got)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"x"}, {"-x"}, {"-listen", "nowhere"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, io.Discard); err == nil || out.Len() > 0 {
			t.Errorf("%q: %v, printed %q", args, err, &out)
		}
	}
	var stderr bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, io.Discard, &stderr); !errors.Is(err, flag.ErrHelp) || !strings.Contains(stderr.String(), "-listen") {
		t.Errorf("%v, %q", err, &stderr)
	}
}
