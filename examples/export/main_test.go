package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func seeded(n int) *leedotest.Server {
	fake := leedotest.NewServer()
	for i := range n {
		fake.AddLead(leedo.Lead{Name: fmt.Sprintf("Lead, %d", i+1), Email: fmt.Sprintf("lead%d@example.com", i+1)})
	}
	return fake
}

func TestExportAndResume(t *testing.T) {
	fake := seeded(250)
	fake.SetRateLimit(2, time.Hour)
	server := httptest.NewServer(fake)
	defer server.Close()
	getenv := func(name string) string {
		return map[string]string{"LEEDO_BASE_URL": server.URL + "/v1", "LEEDO_API_TOKEN": fake.Token()}[name]
	}

	var out, diagnostics bytes.Buffer
	err := run(t.Context(), nil, &out, &diagnostics, getenv)
	if _, ok := errors.AsType[*leedo.RateLimitError](err); !ok || !strings.HasSuffix(err.Error(), "resume with -page 3") {
		t.Fatalf("got %v", err)
	}
	fake.SetRateLimit(2, time.Hour) // an hour later
	if err := run(t.Context(), []string{"-page", "3", "-prefetch", "8"}, &out, &diagnostics, getenv); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 251 || rows[0][1] != "name" || rows[1][1] != "Lead, 250" || rows[250][2] != "lead1@example.com" {
		t.Errorf("%d rows, the first %q, the last %q", len(rows), rows[:2], rows[len(rows)-1])
	}
}

func TestExportWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := seeded(250)
		fake.SetRateLimit(1, time.Hour)
		var out bytes.Buffer
		start := time.Now()
		if err := export(t.Context(), fake.Client(leedo.WithMaxWait(leedo.NoMaxWait)), 1, 2, &out); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n != 251 || time.Since(start) < 2*time.Hour {
			t.Errorf("%d lines after %v", n, time.Since(start))
		}
	})
}

func TestExportOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := export(t.Context(), leedotest.NewServer().Client(), 1, 0, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "id,name,email,company,status,created_at\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestExportInvalidArguments(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, &out, func(string) string { return "" }); !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("without a token: %v", err)
	}
	for _, args := range [][]string{{"-fast"}, {"-page", "0"}, {"-prefetch", "-1"}, {"leads"}, {"-h"}} {
		if err := run(t.Context(), args, &out, &out, func(string) string { return "token" }); err == nil {
			t.Errorf("%q passes", args)
		}
	}
	if !strings.Contains(out.String(), "-wait") {
		t.Errorf("-h does not mention -wait: %s", &out)
	}
}
