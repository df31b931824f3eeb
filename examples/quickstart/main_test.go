package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// env returns an environment with the given names and values.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// steps lists what every complete run prints, in this order.
var steps = []string{
	"1. Create a lead",
	`Ada Example, Example Inc: status "new"`,
	"2. Get it by its id",
	"Ada Example <ada@example.com>, created ",
	"3. Update it",
	`status "qualified", phone +1234567890, company still Example Inc`,
	"4. List all leads",
	"Ada Example <ada@example.com>, qualified",
	"5. Get a lead that does not exist",
	"GET /leads/{id}: 404 not_found",
	"6. Print the quota",
}

// missing returns the first of the wanted texts that out does not contain after the
// ones before it, or "".
func missing(out string, want ...string) string {
	for _, w := range want {
		_, rest, ok := strings.Cut(out, w)
		if !ok {
			return w
		}
		out = rest
	}
	return ""
}

func TestBundledFake(t *testing.T) {
	var out bytes.Buffer
	// A token alone does not select the real API.
	if err := run(t.Context(), nil, &out, &out, env("LEEDO_API_TOKEN", "secret-token")); err != nil {
		t.Fatal(err)
	}
	want := append([]string{"this starts the bundled fake"}, steps...)
	if w := missing(out.String(), append(want, "95 of 100 requests left")...); w != "" {
		t.Errorf("%q is missing in:\n%s", w, &out)
	}
	if !strings.Contains(out.String(), "John Doe <john@example.com>, new") {
		t.Errorf("the lead of the documentation is not listed:\n%s", &out)
	}
}

func TestBaseURL(t *testing.T) {
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	defer server.Close()
	for range 7 {
		fake.AddLead(leedo.Lead{Name: "Somebody"})
	}

	var out bytes.Buffer
	environment := env("LEEDO_BASE_URL", server.URL+"/v1", "LEEDO_API_TOKEN", fake.Token())
	if err := run(t.Context(), nil, &out, &out, environment); err != nil {
		t.Fatal(err)
	}
	want := append([]string{"this calls " + server.URL}, steps...)
	if w := missing(out.String(), append(want, "the server does not report one")...); w != "" {
		t.Errorf("%q is missing in:\n%s", w, &out)
	}
	if !strings.Contains(out.String(), "and 3 more") {
		t.Errorf("leads beyond the fifth are not counted:\n%s", &out)
	}
	if got := len(fake.Leads()); got != 8 {
		t.Errorf("the server holds %d leads, want 8", got)
	}
}

func TestInvalidArguments(t *testing.T) {
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	defer server.Close()
	base := server.URL + "/v1"

	for _, test := range []struct {
		name string
		args []string
		env  func(string) string
		want string
	}{
		{"unknown flag", []string{"-real"}, env(), "flag provided but not defined: -real"},
		{"argument", []string{"live"}, env(), `unexpected argument "live"`},
		{"live without a token", []string{"-live"}, env(), "LEEDO_API_TOKEN is not set"},
		{"server without a token", nil, env("LEEDO_BASE_URL", base), "LEEDO_API_TOKEN is not set"},
		{"live and a server", []string{"-live"}, env("LEEDO_BASE_URL", base, "LEEDO_API_TOKEN", "x"), "unset LEEDO_BASE_URL"},
		{"the real API without -live", nil, env("LEEDO_BASE_URL", "https://API.leedo.app/v1", "LEEDO_API_TOKEN", "x"), "use -live"},
		{"no URL", nil, env("LEEDO_BASE_URL", "localhost", "LEEDO_API_TOKEN", "x"), "invalid argument"},
		{"malformed URL", nil, env("LEEDO_BASE_URL", "http://[", "LEEDO_API_TOKEN", "x"), "invalid argument"},
		{"wrong token", nil, env("LEEDO_BASE_URL", base, "LEEDO_API_TOKEN", "wrong"), "401"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), test.args, &out, &out, test.env)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
	if got := len(fake.Leads()); got != 0 {
		t.Errorf("%d leads were created", got)
	}
}

func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, nil, &out, &out, env()); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
	if err := run(t.Context(), []string{"-h"}, &out, &out, env()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	if !strings.Contains(out.String(), "-live") {
		t.Errorf("-h does not mention -live:\n%s", &out)
	}
}
