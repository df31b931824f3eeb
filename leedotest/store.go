package leedotest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"time"
)

// record is one record. It is never changed in place: an update replaces it.
type record struct {
	id               string
	seq              int            // its sequence number in the order of the table
	values           map[string]any // documented and custom fields, decoded; nil means null; see readOnly
	created, updated time.Time
}

// store holds the records of all kinds, by path. The server's lock guards it.
type store map[string]*table

// table holds the records of one kind.
type table struct {
	kind    *kind
	order   order
	records map[string]*record
}

func newStore() store {
	s := make(store)
	for _, k := range kinds {
		s[k.path] = &table{kind: k, records: make(map[string]*record)}
	}
	return s
}

// taken reports whether a record of any kind has the id.
func (s store) taken(id string) bool {
	for _, t := range s {
		if t.records[id] != nil {
			return true
		}
	}
	return false
}

// put adds a record, or replaces the one with the same id and keeps its place. It
// fills in zero times.
func (t *table) put(r record, now time.Time) *record {
	now = stamp(now)
	if r.created.IsZero() {
		r.created = now
		if !r.updated.IsZero() && r.updated.Before(now) {
			r.created = r.updated
		}
	}
	if r.updated.IsZero() {
		r.updated = r.created
	}
	if held := t.records[r.id]; held != nil {
		r.seq = held.seq
	} else {
		r.seq = t.order.add(r.id)
	}
	t.records[r.id] = &r
	return &r
}

// update replaces the record r by one with other values. Its updated_at is later
// even if the clock did not advance.
func (t *table) update(r *record, values map[string]any, now time.Time) *record {
	updated := stamp(now)
	if !updated.After(r.updated) {
		updated = r.updated.Add(time.Microsecond)
	}
	delete(values, "updated_at")
	next := &record{id: r.id, seq: r.seq, values: values, created: r.created, updated: updated}
	t.records[r.id] = next
	return next
}

// set replaces the record r by one in which some fields have other values, and returns
// that.
func (t *table) set(r *record, values map[string]any) *record {
	next := *r
	next.values = maps.Clone(r.values)
	maps.Copy(next.values, values)
	for name, at := range map[string]*time.Time{"created_at": &next.created, "updated_at": &next.updated} {
		if value, given := values[name]; given {
			text, _ := value.(string)
			instant, _ := time.Parse(time.RFC3339, text) // zero if text is not a time
			*at = normalize(instant)
		}
	}
	t.records[r.id] = &next
	return &next
}

// sent returns the value that SetField set for a read-only field, or otherwise the
// usual one.
func (r *record) sent(name string, usual any) any {
	if value, ok := r.values[name]; ok {
		return value
	}
	return usual
}

func (t *table) remove(id string) bool {
	r := t.records[id]
	if r == nil {
		return false
	}
	delete(t.records, id)
	t.order.remove(r.seq)
	return true
}

// page skips that many of the newest records and returns the next n at most, newest
// first.
func (t *table) page(skip, n int64) []*record {
	var records []*record
	for _, id := range t.order.newest(skip, n) {
		records = append(records, t.records[id])
	}
	return records
}

func (t *table) all() []*record { return t.page(0, int64(len(t.records))) }

// freeID returns id if it is not empty and no record has it, otherwise a new one.
func (s *Server) freeID(id string) string {
	if id == "" || s.store.taken(id) {
		return newID()
	}
	return id
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
