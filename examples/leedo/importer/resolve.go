package importer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

// resolve finds out what became of the rows whose outcome no response settled, and
// the ids of those whose response had none, by one iteration over the list: a
// request for each 100 records there. It is exact as long as the list has, at the
// time that Options.LookAfter says, each record that was created, and keeps its order,
// the newest first, while it is read. If a call fails, all rows stay as they are.
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
	rows := append(e.filter((*row).lacksID), e.filter(func(r *row) bool { return r.state.State == journal.Sending })...)
	s := &search{engine: e, items: map[string][]*candidate{}, rivals: map[string][]*row{}, found: map[*row]*candidate{}}
	if err := s.read(ctx, rows); err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.claim(ctx, r); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if err := s.conclude(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// lacksID reports whether the row is known to be created, and not by which id.
func (r *row) lacksID() bool {
	return r.state.State == journal.Unidentified || r.state.State == journal.Created && r.state.ID == ""
}

// waitForRequests waits until the server has processed what was sent for the rows. It
// counts from the end of the requests by the local monotonic clock, as no other clock
// is sure not to jump. For what an earlier process sent it counts from the start of
// this one.
func (e *engine) waitForRequests(ctx context.Context, open []*row) error {
	var wait time.Duration
	for _, r := range open {
		wait = max(wait, max(e.opts.LookAfter, r.state.Timeout)-(e.clock.now()-r.ended))
	}
	if wait == 0 {
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

// search looks for the records of rows among the items of a list.
type search struct {
	*engine
	items  map[string][]*candidate // that resemble a row and belong to none so far, by their keys
	rivals map[string][]*row       // all that may have been created, without an id so far, by their keys
	found  map[*row]*candidate
}

// candidate is an item of the list.
type candidate struct {
	item
	email, name string // its keys
	complete    bool   // it was read by its id, so that it has all fields
	claimed     bool   // it is the record of a row
}

// read reads the list.
func (s *search) read(ctx context.Context, rows []*row) error {
	wanted := map[string]bool{}
	for _, r := range rows {
		wanted[r.email], wanted[r.name] = true, true
	}
	delete(wanted, "")
	for _, r := range s.filter(func(r *row) bool {
		return r.lacksID() || r.state.State == journal.Sending || r.state.State == journal.Unknown
	}) {
		s.rivals[r.email] = append(s.rivals[r.email], r)
		s.rivals[r.name] = append(s.rivals[r.name], r)
	}
	delete(s.rivals, "")
	taken := map[string]bool{}
	for _, r := range s.filter(func(r *row) bool { return r.state.ID != "" }) {
		taken[r.state.ID] = true
	}
	for it, err := range leedo.All(withWatcher(ctx, reader{s.engine}), s.opts.Client, s.resource.path(), (*item).id, s.options()...) {
		if err != nil {
			return err
		}
		if taken[it.id()] {
			continue
		}
		c := &candidate{item: *it, email: emailKey(text((*it)["email"])), name: nameKey(text((*it)["name"]))}
		for _, key := range []string{c.email, c.name} {
			if wanted[key] {
				s.items[key] = append(s.items[key], c)
			}
		}
	}
	for _, candidates := range s.items {
		slices.SortStableFunc(candidates, func(a, b *candidate) int {
			atA, _ := a.createdAt()
			atB, _ := b.createdAt()
			return atA.Compare(atB)
		})
	}
	return nil
}

// candidates returns the items that resemble the row and belong to no other.
func (s *search) candidates(r *row) (found []*candidate) {
	for _, key := range []string{r.email, r.name} {
		for _, c := range s.items[key] {
			if !c.claimed && s.resembles(r, c) {
				found = append(found, c)
			}
		}
	}
	return found
}

// resembles reports whether the item may be the record of the row, be it that the
// server or somebody else changed it: it has the row's e-mail address; or its name, and
// no address of the file. If the row has an address, an item with its name
// counts only if it is not older.
func (s *search) resembles(r *row, c *candidate) bool {
	switch {
	case r.email != "" && c.email == r.email:
		return true
	case c.name != r.name || s.addresses[c.email]:
		return false
	}
	return r.email == "" || !s.older(r, c)
}

// older reports whether the item was created before the row was sent. created_at
// may have whole seconds. What the clock has learned since then about other machines of
// the server counts, too; a row that an earlier process sent has only its time in
// the journal.
func (s *search) older(r *row, c *candidate) bool {
	sent := r.state.SentAt
	if r.tries > 0 { // it was sent by this process
		if at := s.clock.at(r.sent); at.Before(sent) {
			sent = at
		}
	}
	at, dated := c.createdAt()
	return dated && at.Before(sent.Truncate(time.Second))
}

// claim finds the item that is the record of the row. An item belongs to one row at
// most. It can be the record of every equal row that was sent before it was created:
// as each row takes the oldest that it can, as many as possible find one.
func (s *search) claim(ctx context.Context, r *row) error {
	for _, c := range s.candidates(r) {
		doubt, err := s.doubt(ctx, r, c)
		if err != nil {
			return err
		}
		if doubt == "" {
			s.found[r], c.claimed = c, true
			return nil
		}
	}
	return nil
}

// doubt returns what is against it that the item is the record of the row; "" if it is.
// Where the list leaves out a field that the file has, such as the phone, the record
// itself is read.
func (s *search) doubt(ctx context.Context, r *row, c *candidate) (string, error) {
	if s.older(r, c) {
		return "is older", nil
	}
	equal, complete := s.compare(r, c.item, same)
	if equal && !complete && s.resource.Get && !c.complete {
		var record item
		err := s.opts.Client.Do(withWatcher(ctx, reader{s.engine}), http.MethodGet,
			s.resource.path()+"/"+url.PathEscape(c.id()), nil, &record, s.options()...)
		if _, gone := errors.AsType[*leedo.NotFoundError](err); gone {
			return "was deleted", nil
		}
		if err != nil {
			return "", err
		}
		c.item, c.complete = record, true
		equal, _ = s.compare(r, c.item, same)
	}
	_, dated := c.createdAt()
	switch {
	case !equal:
		return "differs", nil
	case !dated:
		return "may be older", nil
	case s.contested(r, c):
		return "may be that of another row", nil
	}
	return "", nil
}

// contested reports whether the item may as well be the record of another row, which
// did not send the same: the item lacks a field, or the server chose its status or
// changed its address or a text.
func (s *search) contested(r *row, c *candidate) bool {
	for _, key := range []string{c.email, c.name} {
		for _, other := range s.rivals[key] {
			if maps.Equal(r.Fields, other.Fields) && maps.Equal(r.Extra, other.Extra) {
				continue // it makes no difference whose it is
			}
			if all, _ := s.compare(other, c.item, alike); all && !s.older(other, c) {
				return true
			}
		}
	}
	return false
}

// same is how a row's own record compares, alike how one does that a server changed.
func same(a, b string) bool  { return a == b }
func alike(a, b string) bool { return letters(a) == letters(b) }

// compare reports whether all that the item carries equals what the row sent, and
// whether it carries all fields that the file has.
func (s *search) compare(r *row, it item, equal func(a, b string) bool) (all, complete bool) {
	sent := map[string]string{} // every column, and every field without one
	for _, field := range s.resource.settable() {
		if _, ok := it[field]; ok {
			sent[field] = ""
		}
	}
	for _, target := range s.file.Columns {
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
		case field == "email" && emailKey(got) == emailKey(want):
		case !equal(got, want):
			return false, complete
		}
	}
	return true, complete
}

// conclude commits what the list says about a row: which record is its own, or
// whether there is one that may be.
func (s *search) conclude(ctx context.Context, r *row) error {
	state := r.state
	if c := s.found[r]; c != nil {
		state.State, state.ID, state.Reason = journal.Created, c.id(), ""
		return s.put(r, state)
	}
	reason := ""
	if candidates := s.candidates(r); len(candidates) > 0 {
		c := candidates[0]
		doubt, err := s.doubt(ctx, r, c)
		if err != nil {
			return err
		}
		field := "name"
		if r.email != "" && c.email == r.email {
			field = "email"
		}
		reason = "the list has a record with this " + field + " that " + cmp.Or(doubt, "may be that of another row")
	}
	switch {
	case state.State == journal.Created:
		return nil
	case state.State == journal.Unidentified:
		state.State, state.Reason = journal.Created, "the response had no id, and "+cmp.Or(reason, "the list has no such record")
	case reason != "":
		state.State, state.Reason = journal.Unknown, reason
	default:
		return s.delete(r)
	}
	return s.put(r, state)
}
