package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// record is a record as the API sent it. A field that is null is there, a field that
// the API left out is not.
type record map[string]json.RawMessage

// id returns the id of a record; "" if it has none.
func (r record) id() string {
	id, _ := r.column("id").(string)
	return id
}

// complete reports whether a record has all columns, so that there are no details to ask
// for.
func (r record) complete(t *crm.Resource) bool {
	for _, c := range t.Fields {
		if _, ok := r[c]; !ok {
			return false
		}
	}
	return true
}

// column returns a field as it is stored: nil for null, the text of a string, and
// anything else in JSON.
func (r record) column(field string) any {
	var text string
	switch raw := r[field]; {
	case raw == nil || string(raw) == "null":
		return nil
	case json.Unmarshal(raw, &text) == nil:
		return text
	default:
		return string(raw)
	}
}

// pass is one pass.
type pass struct {
	Options
	store *store
	next  time.Time // when the next pass is due, if there is one
	done  int       // requests
	total int
	sum   Summary
}

func (p *pass) run(ctx context.Context) (err error) {
	if p.Begin != nil {
		p.Begin()
	}
	if err := p.lists(ctx); err != nil {
		return fmt.Errorf("%w; nothing was recorded", err)
	}
	p.sum.Recorded = true
	if p.Every > 0 {
		// Lists that took longer than that leave time for details, too, or they would
		// never be read.
		if late := time.Since(p.next); late >= 0 {
			p.next = p.next.Add(late.Truncate(p.Every) + p.Every)
		}
		err = p.details(ctx, p.next)
	} else {
		err = p.details(ctx, time.Time{})
	}
	var failed error
	if p.sum.Records, failed = p.store.count(); err == nil {
		err = failed
	}
	return err
}

// progress reports that n more requests are done.
func (p *pass) progress(n int) {
	p.done += n
	if p.Report != nil {
		p.Report(p.done, p.total)
	}
}

// options are those of a call that may wait so long without Options.Wait. They make it
// a bulk call. That all calls are bulk calls matters, too: after others the SDK would
// keep more of the quota for more of them.
func (p *pass) options(wait time.Duration) []leedo.RequestOption {
	if p.Wait {
		wait = leedo.NoMaxWait
	}
	return []leedo.RequestOption{leedo.WithPriority(leedo.PriorityBulk), leedo.WithMaxWait(wait)}
}

// lists reads and records the lists.
func (p *pass) lists(ctx context.Context) error {
	at := now()
	wait := time.Duration(0)
	if p.Every > 0 {
		wait = time.Minute // the pass an hour ago may have used up a window that ends right now
	}
	// The first page of each list says how long it is, before the rest is read.
	next := make([]func() (*leedo.Page[record], error, bool), len(crm.Resources))
	first := make([]*leedo.Page[record], len(crm.Resources))
	for i, t := range crm.Resources {
		var stop func()
		next[i], stop = iter.Pull2(leedo.Pages(ctx, p.Client, "/"+t.Name, func(r *record) string { return r.id() }, p.options(wait)...))
		defer stop()
		page, err, ok := next[i]()
		if err != nil {
			return err
		}
		p.total++
		if ok { // not empty
			first[i] = page
			p.total += page.Meta.Total / max(page.Meta.PerPage, 1) // a full last page is followed by another request
		}
	}
	if err := p.affordable(p.total - len(crm.Resources)); err != nil {
		return err
	}
	w, err := p.store.begin(at)
	if err != nil {
		return err
	}
	defer w.cancel()
	for i, t := range crm.Resources {
		for page := first[i]; page != nil; {
			p.progress(1)
			for _, r := range page.Data {
				if err := w.put(t, r); err != nil {
					return err
				}
			}
			if page, err, _ = next[i](); err != nil {
				return err
			}
		}
	}
	if p.sum.New, p.sum.Deleted, err = w.commit(); err == nil {
		p.store.empty = false
	}
	return err
}

// affordable returns an error if it is clear that so many more requests are more than
// the quota allows without a wait. Nothing would be gained then by sending some.
func (p *pass) affordable(need int) error {
	quota := p.Client.RateLimit()
	reserve := quota.Limit / 10 // at most; of a new process it is kept from bulk calls
	left := max(quota.Remaining-reserve, 0)
	if p.Wait || quota.Limit == 0 || need <= left {
		return nil
	}
	return &tooLong{need: need, left: left, most: quota.Limit - reserve, until: quota.Reset}
}
