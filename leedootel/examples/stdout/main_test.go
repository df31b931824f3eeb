package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"unknown: leedo: POST /leads:", `"Name":"POST /leads"`, `"Name":"leedo.wait"`, `"Retry-After"`, `"http.request.resend_count"`,
		`"leedo.UnknownOutcomeError"`, `"http.client.request.duration"`, `"leedo.quota.remaining"`, `"leedo.outcomes.unknown"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in:\n%s", want, &out)
		}
	}
}
