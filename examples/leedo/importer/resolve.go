package importer

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

// item is a record of the API as it was sent: a field that a list leaves out is
// not in it, one that is empty is.
type item = map[string]any

// resolve finds out what became of the rows whose outcome no response settled, by
// one iteration over the list: a request for each 100 records there. It is exact
// as long as the list has, one attempt timeout after a request, the record that
// the request created. If a call fails, all rows stay as they are.
func (e *engine) resolve(ctx context.Context) error {
	open := e.open()
	if len(open) == 0 {
		return nil
	}
	if err := e.waitForRequests(ctx, open); err != nil {
		return err
	}
	// Rows that are known to be created but not by which id claim their record
	// first, so that none of the others takes it for its own.
	claimants := append(e.filter(func(r *row) bool { return r.state.State == journal.Created && r.state.ID == "" }), open...)
	alike, err := e.alike(ctx, claimants)
	if err != nil {
		return err
	}
	found, err := e.claim(ctx, claimants, alike)
	if err != nil {
		return err
	}
	for _, r := range claimants {
		resembled := slices.ContainsFunc(alike[r.key()], func(c *candidate) bool { return !c.claimed })
		if err := e.conclude(r, found[r], resembled); err != nil {
			return err
		}
	}
	return nil
}

// conclude commits what the list says about a row: which record is its own, or
// whether there is one that resembles it.
func (e *engine) conclude(r *row, found *candidate, resembled bool) error {
	state := r.state
	switch {
	case found != nil:
		state.State, state.ID, state.Reason = journal.Created, text(found.item["id"]), ""
	case state.State == journal.Created:
		return nil
	case resembled:
		state.State, state.Reason = journal.Unknown, "the list has a record with this "+r.keyField()+" that differs or is older"
	default:
		return e.delete(r)
	}
	return e.put(r, state)
}

// waitForRequests waits until no request for one of the rows can be in flight any
// more, by the server's clock.
func (e *engine) waitForRequests(ctx context.Context, open []*row) error {
	var last time.Time
	for _, r := range open {
		if r.state.SentAt.After(last) {
			last = r.state.SentAt
		}
	}
	// The clock's time can be a second early. All were sent before now, so
	// there is never more to wait for than after a request that is sent now.
	timeout := e.opts.AttemptTimeout + time.Second
	wait := min(last.Add(timeout).Sub(e.clock.now()), timeout)
	if wait <= 0 {
		return nil
	}
	e.look(time.Now().Add(wait))
	defer e.look(time.Time{})
	return pause(ctx, wait)
}

func (e *engine) look(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookAt = at
	e.report()
}

// candidate is an item of the list that resembles a row.
type candidate struct {
	item    item
	read    bool // by its id, so that it has all fields
	claimed bool // it is the record of a row
}

// alike reads the list and returns the items with the e-mail address of one of the
// rows, or with the name of one that has no address, by their keys. Those that
// belong to rows already are left out.
func (e *engine) alike(ctx context.Context, rows []*row) (map[string][]*candidate, error) {
	taken := map[string]bool{}
	for _, r := range e.filter(func(r *row) bool { return r.state.ID != "" }) {
		taken[r.state.ID] = true
	}
	wanted := map[string]bool{}
	for _, r := range rows {
		wanted[r.key()] = true
	}
	alike := map[string][]*candidate{}
	id := func(it *item) string { return text((*it)["id"]) }
	for it, err := range leedo.All(withWatcher(ctx, reader{e}), e.opts.Client, e.resource.path, id, e.options()...) {
		if err != nil {
			return nil, err
		}
		if taken[id(it)] {
			continue
		}
		c := &candidate{item: *it}
		for _, key := range []string{emailKey(text((*it)["email"])), nameKey(text((*it)["name"]))} {
			if wanted[key] {
				alike[key] = append(alike[key], c)
			}
		}
	}
	for _, candidates := range alike {
		slices.SortStableFunc(candidates, func(a, b *candidate) int { return createdAt(a.item).Compare(createdAt(b.item)) })
	}
	return alike, nil
}

// claim finds for each row the item that is its record. An item belongs to one row
// at most. It can be the record of every equal row that was sent before it was
// created: as each row takes the oldest that it can, as many as possible find one.
func (e *engine) claim(ctx context.Context, rows []*row, alike map[string][]*candidate) (map[*row]*candidate, error) {
	found := map[*row]*candidate{}
	for _, r := range rows {
		for _, c := range alike[r.key()] {
			if c.claimed || !since(c.item, r.state.SentAt) {
				continue
			}
			equal, err := e.equal(ctx, r, c)
			if err != nil {
				return nil, err
			}
			if equal {
				found[r], c.claimed = c, true
				break
			}
		}
	}
	return found, nil
}

// since reports whether the item was created after the request was sent.
// created_at has whole seconds.
func since(it item, sentAt time.Time) bool {
	return !createdAt(it).Before(sentAt.Truncate(time.Second))
}

// createdAt is when the item was created; zero means that it does not say.
func createdAt(it item) time.Time {
	at, err := time.Parse(time.RFC3339, text(it["created_at"]))
	if err != nil {
		return time.Time{}
	}
	return at
}

// equal reports whether the item holds what the row sent. Where the list leaves
// out a field that the file has, such as the phone, the record itself is read.
func (e *engine) equal(ctx context.Context, r *row, c *candidate) (bool, error) {
	equal, complete := e.compare(r, c.item)
	if !equal || complete || c.read || !e.resource.get {
		return equal, nil
	}
	var record item
	err := e.opts.Client.Do(withWatcher(ctx, reader{e}), http.MethodGet,
		e.resource.path+"/"+url.PathEscape(text(c.item["id"])), nil, &record, e.options()...)
	if _, gone := errors.AsType[*leedo.NotFoundError](err); gone {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.item, c.read = record, true
	equal, _ = e.compare(r, c.item)
	return equal, nil
}

// compare compares a row with what an item carries, and reports whether it
// carries all fields that the file has.
func (e *engine) compare(r *row, it item) (equal, complete bool) {
	sent := map[string]string{} // every column, and every field without one
	for _, field := range e.resource.fields {
		if _, ok := it[field]; ok {
			sent[field] = ""
		}
	}
	for _, target := range e.file.Columns {
		switch {
		case target.Extra:
			sent[target.Name] = r.Extra[target.Name]
		case target.Name != "":
			sent[target.Name] = r.Fields[target.Name]
		}
	}
	complete = true
	for field, want := range sent {
		value, carried := it[field]
		got := text(value)
		switch {
		case !carried:
			complete = false
		case field == "status" && want == "": // the API chose one
		case field == "email" && strings.EqualFold(got, want):
		case got != want:
			return false, complete
		}
	}
	return true, complete
}

// text is a value of a record as a cell has it.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// keyField is the field by which a record of the row is recognized.
func (r *row) keyField() string {
	if r.Fields["email"] != "" {
		return "email"
	}
	return "name"
}

func (r *row) key() string {
	if email := r.Fields["email"]; email != "" {
		return emailKey(email)
	}
	return nameKey(r.Fields["name"])
}

func emailKey(email string) string { return "email " + strings.ToLower(email) }

// nameKey leaves out what a server may change in a name: too many records that
// look alike do no harm, one that is overlooked is created twice.
func nameKey(name string) string {
	return "name " + strings.ToLower(strings.Join(strings.Fields(name), " "))
}
