package paging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Types for lists.
type (
	scored struct {
		leedo.Lead
		Score int `json:"score"`
	}
	within struct{ scored }
	linked struct {
		*leedo.Account
		Score int `json:"score"`
	}
	twofold struct {
		leedo.Lead
		leedo.Account `json:"account"`
	}
	foreign struct {
		ID string `json:"id"`
	}
)

// encoded gathers what a sequence yields, as text.
func encoded[T any](seq iter.Seq2[*T, error]) (items []string, err error) {
	for item, err := range seq {
		if err != nil {
			return items, err
		}
		text, _ := json.Marshal(item)
		items = append(items, string(text))
	}
	return items, nil
}

// All decodes items into each type that they fit.
func TestAllOfAType(t *testing.T) {
	t.Parallel()
	const page = `{"data":[{"id":"1","score":7},{"id":"2","score":8,"name":"Ada"}],"meta":{"total":2,"page":1,"per_page":100}}`
	ctx := t.Context()
	for name, tt := range map[string]struct {
		walk func(c *leedo.Client) ([]string, error)
		want []string
	}{
		"embedding": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All[scored](ctx, c, "/leads", nil))
		}, []string{`{"id":"1","name":"","email":"","company":"","status":"","score":7}`, `{"id":"2","name":"Ada","email":"","company":"","status":"","score":8}`}},
		"embedding what embeds": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All[within](ctx, c, "/leads", nil, leedo.WithMaxItems(1)))
		}, []string{`{"id":"1","name":"","email":"","company":"","status":"","score":7}`}},
		"embedding a pointer": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All[linked](ctx, c, "/accounts", nil, leedo.WithMaxItems(1)))
		}, []string{`{"id":"1","name":"","industry":"","website":"","score":7}`}},
		"our own": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All[leedo.Contact](ctx, c, "/contacts", nil, leedo.WithMaxItems(1)))
		}, []string{`{"id":"1","name":"","email":"","role":"","account_id":""}`}},
		"RawMessage": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All(ctx, c, "/x", func(raw *json.RawMessage) string { return string(*raw) }))
		}, []string{`{"id":"1","score":7}`, `{"id":"2","score":8,"name":"Ada"}`}},
		"a map": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All(ctx, c, "/x", func(m *map[string]any) string { return fmt.Sprint((*m)["score"]) }))
		}, []string{`{"id":"1","score":7}`, `{"id":"2","name":"Ada","score":8}`}},
		"any": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All(ctx, c, "/x", func(v *any) string { return fmt.Sprint(*v) }))
		}, []string{`{"id":"1","score":7}`, `{"id":"2","name":"Ada","score":8}`}},
		"pointers": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All(ctx, c, "/x", func(f **foreign) string { return (*f).ID }))
		}, []string{`{"id":"1"}`, `{"id":"2"}`}},
		"by something else": {func(c *leedo.Client) ([]string, error) {
			return encoded(leedo.All(ctx, c, "/x", func(*foreign) string { return "the same" }))
		}, []string{`{"id":"1"}`}},
	} {
		s := support.Serve(t, support.Respond(200, page))
		got, err := tt.walk(s.Client(t))
		if name == "by something else" { // one of two
			err = nil
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
}

// A response that is no list, or cannot be read, ends the iteration with an
// error that says so.
func TestListsThatAreNoLists(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(200, `{"data":[{"id":"1"},{"name":"x"}],"meta":{"total":2,"page":1,"per_page":100}}`))
	c, ctx := s.Client(t), t.Context()
	id := func(f *foreign) string { return f.ID }
	var none *leedo.Client
	for name, tt := range map[string]struct {
		err   error
		wants string // "": a DecodeError
	}{
		"an item without an id":      {support.ErrorOf(encoded(leedo.All(ctx, c, "/x", id))), ""},
		"an item of nothing of ours": {support.ErrorOf(encoded(leedo.All[linked](ctx, c, "/x", nil))), ""},
		"a nil id":                   {support.ErrorOf(encoded(leedo.All[foreign](ctx, c, "/x", nil))), "nil id function, and paging_test.foreign embeds no record type of this package"},
		"a nil id for two":           {support.ErrorOf(encoded(leedo.All[twofold](ctx, c, "/x", nil))), "nil id function"},
		"a nil id for RawMessage":    {support.ErrorOf(encoded(leedo.All[json.RawMessage](ctx, c, "/x", nil))), "nil id function"},
		"a nil id for any":           {support.ErrorOf(encoded(leedo.All[any](ctx, c, "/x", nil))), "nil id function"},
		"a path without a slash":     {support.ErrorOf(encoded(leedo.All(ctx, c, "x", id))), "path does not begin"},
		"a path with a query":        {support.ErrorOf(encoded(leedo.Pages(ctx, c, "/x?page=2", id))), "path contains a query"},
		"a page":                     {support.ErrorOf(encoded(leedo.All(ctx, c, "/x", id, leedo.WithQuery("page", "0")))), "page must be an integer of at least 1"},
		"an option":                  {support.ErrorOf(encoded(leedo.All(ctx, c, "/x", id, leedo.WithIdempotent()))), "always idempotent"},
		"a body":                     {support.ErrorOf(encoded(leedo.All(ctx, c, "/x", id, leedo.WithBodyField("a", 1)))), "takes no body"},
		"no client":                  {support.ErrorOf(encoded(leedo.All(ctx, none, "/x", id))), "nil context, or a Client"},
		"a client of no constructor": {support.ErrorOf(encoded(leedo.Pages(ctx, new(leedo.Client), "/x", id))), "nil context, or a Client"},
		"no context":                 {support.ErrorOf(encoded(leedo.All(context.Context(nil), c, "/x", id))), "nil context, or a Client"},
	} {
		switch {
		case tt.wants == "" && (!support.Is[*leedo.DecodeError](tt.err) || !strings.Contains(tt.err.Error(), "has no id")),
			tt.wants != "" && (!errors.Is(tt.err, leedo.ErrInvalidArgument) || !strings.Contains(tt.err.Error(), tt.wants)):
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// The id function is not called concurrently, although pages arrive
// concurrently, and its panic reaches the caller.
func TestIDsAreAskedForOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := support.NewSlowList(200)
		asked := map[string]int{} // not locked: the race detector looks at it
		ids, err := support.Gather(t, leedo.All(t.Context(), list.Client(t), "/leads", func(l *leedo.Lead) string { asked[l.ID]++; return l.ID },
			leedo.WithQuery("per_page", "10"), leedo.WithPrefetch(10)))
		if diff := cmp.Diff(support.IDs(200), ids); err != nil || diff != "" || len(asked) != 200 {
			t.Errorf("%v, %s, asked for %d", err, diff, len(asked))
		}
		var count atomic.Int32
		client := list.Client(t)
		if value := support.Recovered(func() {
			support.Gather(t, leedo.All(t.Context(), client, "/leads", func(l *leedo.Lead) string {
				if count.Add(1) > 50 {
					panic("boom")
				}
				return l.ID
			}, leedo.WithQuery("per_page", "10"), leedo.WithPrefetch(10)))
		}); value != "boom" {
			t.Errorf("got %v", value)
		}
		list.CheckIdle(t, client)
	})
}

// A sequence can be ranged over again, and sends nothing before.
func TestListsCanBeRangedOverAgain(t *testing.T) {
	t.Parallel()
	server := support.Fake(3)
	opts := []leedo.RequestOption{leedo.WithQuery("per_page", "2")}
	seq := leedo.Pages[scored](t.Context(), server.Client(leedo.WithHTTPClient(&http.Client{Transport: server.HTTPClient().Transport})), "/leads", nil, opts...)
	opts[0] = leedo.WithQuery("", "")
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	for range 2 {
		var sizes []int
		for page, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.Data))
		}
		if !slices.Equal(sizes, []int{2, 1}) {
			t.Errorf("pages of %v", sizes)
		}
	}
}

// Scored embeds a record.
type Scored struct {
	leedo.Lead
	Score int `json:"score"`
}

// An item none of whose fields are of the record has no id, also if T embeds the record
// by a pointer, which is nil then.
func TestAnItemWithoutARecord(t *testing.T) {
	t.Parallel()
	type row struct {
		*Scored
		Tags []string `json:"tags"`
	}
	s := support.Serve(t, support.Respond(200, `{"data":[{"tags":["x"]}],"meta":{"total":1,"page":1,"per_page":100}}`))
	_, err := encoded(leedo.All[row](t.Context(), s.Client(t), "/leads", nil))
	if !support.Is[*leedo.DecodeError](err) || !strings.Contains(err.Error(), "item 1 has no id") {
		t.Error(err)
	}
}
