// Tenants calls the API for several tenants at the same time, each with a token, a client
// and a quota of its own.
//
//	go run ./examples/tenants
//	LEEDO_API_TOKEN_ACME=... LEEDO_API_TOKEN_GLOBEX=... go run ./examples/tenants acme globex
//
// It prints how many leads each tenant has. A tenant's base URL is in a variable such as
// LEEDO_BASE_URL_ACME, if it is not the default. Without arguments there are three tenants
// in memory: the quota of one is exhausted, and the token of another is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// lookup returns the token of a tenant, from a database or a secret store, and options
// for its client, such as another base URL. For a token that changes, it returns "" and
// leedo.WithTokenSource. The tenant is one that was authenticated.
type lookup func(ctx context.Context, tenant string) (token string, opts []leedo.Option, err error)

// clients has a client for each tenant, made when it is first needed. As each client has
// a limiter of its own, no tenant waits for the quota of another. It is safe for
// concurrent use.
type clients struct {
	lookup lookup
	mu     sync.Mutex
	byName map[string]*entry
}

// entry is the client of a tenant.
type entry struct {
	busy   chan struct{} // has a value while client is read or made
	client *leedo.Client
}

func newClients(lookup lookup) *clients {
	return &clients{lookup: lookup, byName: map[string]*entry{}}
}

// of returns the client of a tenant, the same each time. A failed lookup is repeated by
// the next call.
func (c *clients) of(ctx context.Context, tenant string) (*leedo.Client, error) {
	c.mu.Lock()
	e := c.byName[tenant]
	if e == nil {
		e = &entry{busy: make(chan struct{}, 1)}
		c.byName[tenant] = e
	}
	c.mu.Unlock()

	select { // a slow lookup delays this tenant only, and is made once
	case e.busy <- struct{}{}:
		defer func() { <-e.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.client != nil {
		return e.client, nil
	}
	token, opts, err := c.lookup(ctx, tenant)
	if err == nil {
		e.client, err = leedo.NewClient(token, opts...)
	}
	if err != nil {
		return nil, fmt.Errorf("tenant %s: %w", tenant, err)
	}
	return e.client, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tenants, lookup := os.Args[1:], fromEnv
	if len(tenants) == 0 {
		tenants, lookup = fakes()
	}
	if run(ctx, newClients(lookup), tenants, os.Stdout) > 0 {
		os.Exit(1)
	}
}

// run prints a line for each tenant, and returns how many calls failed.
func run(ctx context.Context, all *clients, tenants []string, stdout io.Writer) (failed int) {
	totals, errs := make([]string, len(tenants)), make([]error, len(tenants))
	var group sync.WaitGroup
	for i, tenant := range tenants {
		group.Go(func() { totals[i], errs[i] = count(ctx, all, tenant) })
	}
	group.Wait()
	for i, tenant := range tenants {
		if errs[i] != nil {
			failed++
			totals[i] = "failed: " + errs[i].Error()
		}
		fmt.Fprintf(stdout, "%-10s %s\n", tenant, totals[i])
	}
	return failed
}

// count says how many leads a tenant has, and what remains of its quota.
func count(ctx context.Context, all *clients, tenant string) (string, error) {
	client, err := all.of(ctx, tenant)
	if err != nil {
		return "", err
	}
	page, err := client.Leads.List(ctx, nil)
	if err != nil {
		return "", err
	}
	rate := client.RateLimit()
	if rate.Limit == 0 {
		return fmt.Sprintf("leads: %d, the server reports no quota", page.Meta.Total), nil
	}
	return fmt.Sprintf("leads: %d, requests left: %d of %d", page.Meta.Total, rate.Remaining, rate.Limit), nil
}

// fromEnv looks up a tenant in the environment.
func fromEnv(_ context.Context, tenant string) (string, []leedo.Option, error) {
	suffix := "_" + strings.ToUpper(tenant)
	token := os.Getenv("LEEDO_API_TOKEN" + suffix)
	if token == "" {
		return "", nil, errors.New("LEEDO_API_TOKEN" + suffix + " is not set")
	}
	if base := os.Getenv("LEEDO_BASE_URL" + suffix); base != "" {
		return token, []leedo.Option{leedo.WithBaseURL(base)}, nil
	}
	return token, nil, nil
}

// fakes returns three tenants, and a lookup for them. Each has a fake of the API.
func fakes() ([]string, lookup) {
	servers := map[string]*leedotest.Server{
		"acme":    leedotest.NewServer(leedotest.WithToken("token-of-acme"), leedotest.WithPlan(0)),
		"globex":  leedotest.NewServer(leedotest.WithToken("another-token")),
		"initech": leedotest.NewServer(leedotest.WithToken("token-of-initech"), leedotest.WithPlan(leedotest.Free)),
	}
	servers["initech"].AddLead(leedo.Lead{Name: "Ada Example"})
	return []string{"acme", "globex", "initech"}, func(_ context.Context, tenant string) (string, []leedo.Option, error) {
		return "token-of-" + tenant, []leedo.Option{leedo.WithHTTPClient(servers[tenant].HTTPClient())}, nil
	}
}
