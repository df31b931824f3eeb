package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// tenants has a fake of the API for each of some tenants, and looks up their tokens.
type tenants map[string]*leedotest.Server

func newTenants(names ...string) tenants {
	all := tenants{}
	for _, name := range names {
		all[name] = leedotest.NewServer(leedotest.WithToken("token-of-"+name), leedotest.WithPlan(leedotest.Free))
	}
	return all
}

func (t tenants) lookup(_ context.Context, tenant string) (string, []leedo.Option, error) {
	if t[tenant] == nil {
		return "", nil, errors.New("no such tenant")
	}
	return "token-of-" + tenant, []leedo.Option{leedo.WithHTTPClient(t[tenant].HTTPClient())}, nil
}

// get returns the client of a tenant.
func get(t *testing.T, all *clients, tenant string) *leedo.Client {
	t.Helper()
	client, err := all.of(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// While one tenant waits for its quota, and the token of another is rejected, a third is
// served at once. Each client has the rate limit state of its own tenant.
func TestQuotasStayApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := newTenants("acme", "globex", "initech")
		servers["acme"].SetRateLimit(0, time.Hour)
		servers["globex"] = leedotest.NewServer(leedotest.WithToken("another-token"))
		all := newClients(servers.lookup)

		waiting, stop := context.WithCancel(t.Context())
		var acme sync.WaitGroup
		for range 10 {
			acme.Go(func() {
				get(t, all, "acme").Leads.List(waiting, nil, leedo.WithMaxWait(leedo.NoMaxWait))
			})
		}
		synctest.Wait()
		start := time.Now()
		for range 20 {
			if _, err := get(t, all, "globex").Leads.List(t.Context(), nil); !isUnauthorized(err) {
				t.Errorf("globex: %v", err)
			}
			if _, err := get(t, all, "initech").Leads.List(t.Context(), nil); err != nil {
				t.Errorf("initech: %v", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the other tenants waited %v", took)
		}
		if rate := get(t, all, "acme").RateLimit(); rate.Waiting != 10 || rate.Remaining != 0 {
			t.Errorf("acme: %+v", rate)
		}
		if rate := get(t, all, "initech").RateLimit(); rate.Waiting != 0 || rate.Remaining != 80 || rate.Limit != 100 {
			t.Errorf("initech: %+v", rate)
		}
		stop()
		acme.Wait()
	})
}

func isUnauthorized(err error) bool {
	_, ok := errors.AsType[*leedo.UnauthorizedError](err)
	return ok
}

// However many calls are made at the same time, each is made with the token of its own
// tenant, and each token is looked up once, when it is first needed.
func TestTokensStayApart(t *testing.T) {
	names := []string{"acme", "globex", "initech", "umbrella"}
	servers := newTenants(names...)
	var lookups atomic.Int64
	all := newClients(func(ctx context.Context, tenant string) (string, []leedo.Option, error) {
		lookups.Add(1)
		return servers.lookup(ctx, tenant)
	})
	if lookups.Load() != 0 {
		t.Error("a token was looked up before it was needed")
	}
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			name := names[i%len(names)]
			client, err := all.of(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Lead of " + name}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for name, server := range servers {
		requests := server.Requests()
		for _, r := range requests {
			if got := r.Header.Get("Authorization"); got != "Bearer token-of-"+name || r.JSON()["name"] != "Lead of "+name {
				t.Errorf("%s got %q with %s", name, got, r.Body)
			}
		}
		if len(requests) != 25 || len(server.Leads()) != 25 {
			t.Errorf("%s got %d requests, and has %d leads", name, len(requests), len(server.Leads()))
		}
	}
	if n := lookups.Load(); n != int64(len(names)) {
		t.Errorf("%d lookups", n)
	}
}

// A slow lookup delays the calls of its tenant only, and each of them only as long as
// its context allows.
func TestSlowLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := newTenants("acme", "initech")
		var lookups atomic.Int64
		all := newClients(func(ctx context.Context, tenant string) (string, []leedo.Option, error) {
			if tenant == "acme" {
				lookups.Add(1)
				time.Sleep(time.Minute)
			}
			return servers.lookup(ctx, tenant)
		})
		start := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { get(t, all, "acme") })
		}
		synctest.Wait()
		get(t, all, "initech")
		if took := time.Since(start); took != 0 {
			t.Errorf("another tenant waited %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := all.of(ctx, "acme"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		group.Wait()
		if took := time.Since(start); took != time.Minute || lookups.Load() != 1 {
			t.Errorf("%d lookups in %v", lookups.Load(), took)
		}
	})
}

// A lookup that fails, or returns something unusable, is repeated by the next call. Its
// error names the tenant and not the token.
func TestFailedLookup(t *testing.T) {
	servers := newTenants("acme")
	token, fail := "", errors.New("database unavailable")
	all := newClients(func(ctx context.Context, tenant string) (string, []leedo.Option, error) {
		_, opts, _ := servers.lookup(ctx, tenant)
		return token, opts, fail
	})
	if _, err := all.of(t.Context(), "acme"); !errors.Is(err, fail) || !strings.HasPrefix(err.Error(), "tenant acme: ") {
		t.Errorf("got %v", err)
	}
	token, fail = "Bearer secret", nil
	if _, err := all.of(t.Context(), "acme"); !errors.Is(err, leedo.ErrInvalidArgument) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	token = "token-of-acme"
	client := get(t, all, "acme")
	if _, err := client.Leads.List(t.Context(), nil); err != nil || get(t, all, "acme") != client {
		t.Errorf("got %v, or another client", err)
	}
}

func TestRun(t *testing.T) {
	names, lookup := fakes()
	var out strings.Builder
	if failed := run(t.Context(), newClients(lookup), names, &out); failed != 2 {
		t.Errorf("%d tenants failed", failed)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"acme       failed: leedo: GET /leads: 429", "globex     failed: leedo: GET /leads: 401", "initech    leads: 1, requests left: 99 of 100"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %q, want %q", lines[i], want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "token-of-nobody") // is not used
	t.Setenv("LEEDO_API_TOKEN_ACME", "token-of-acme")
	t.Setenv("LEEDO_BASE_URL_ACME", "https://acme.example/v1")
	token, opts, err := fromEnv(t.Context(), "acme")
	if token != "token-of-acme" || fmt.Sprint(opts) != `[WithBaseURL("https://acme.example/v1")]` || err != nil {
		t.Errorf("%q, %v, %v", token, opts, err)
	}
	if token, _, err := fromEnv(t.Context(), "globex"); token != "" || err == nil || !strings.Contains(err.Error(), "LEEDO_API_TOKEN_GLOBEX") {
		t.Errorf("%q, %v", token, err)
	}
}
