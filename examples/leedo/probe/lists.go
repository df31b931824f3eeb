package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// resource is what was read of a resource.
type resource struct {
	name   string
	first  page           // as requested without parameters
	record map[string]any // by GET of one; nil if it was not read
}

// begin makes the first request: it shows whether the token and the server work, and
// what is left of the quota.
func (p *prober) begin(ctx context.Context) error {
	x, err := p.get(ctx, "/leads", "", http.StatusOK)
	if errors.Is(err, errUnusable) {
		return cmp.Or(p.last, err)
	}
	if err != nil {
		return err
	}
	p.add("leads", x)
	if err := p.announce(x); err != nil || !p.opts.Exhaust {
		return err
	}
	return sleep(ctx, pause)
}

// add records the first page of a resource.
func (p *prober) add(name string, x *exchange) {
	if first, ok := x.page(); ok {
		p.resources[name] = &resource{name: name, first: first}
	}
}

// readLists reads the first pages of the other lists.
func (p *prober) readLists(ctx context.Context) error {
	for _, n := range crm.Resources[1:] {
		x, err := p.get(ctx, "/"+n.Name, "", http.StatusOK)
		if err != nil {
			if err := p.skip(err, askFields+n.Name); err != nil {
				return err
			}
			continue
		}
		p.add(n.Name, x)
	}
	p.judgeOrder()
	p.judgeForms()
	p.judgeDefault()
	return nil
}

// readRecords reads one record of each resource that has a GET, to compare its fields
// with those in the list.
func (p *prober) readRecords(ctx context.Context) error {
	for _, n := range crm.Resources {
		r := p.resources[n.Name]
		if r == nil || len(r.first.items) == 0 {
			continue
		}
		if !n.Get {
			p.finds(askFields+n.Name, fields(r.first.items), "GET /%s: %d records", n.Name, len(r.first.items))
			continue
		}
		item := r.first.items[0]
		path, ok := recordPath(n.Name, id(item))
		if !ok {
			continue
		}
		x, err := p.get(ctx, path, "", http.StatusOK)
		if err != nil {
			if err := p.skip(err, askFields+n.Name); err != nil {
				return err
			}
			continue
		}
		record, ok := x.content.(map[string]any)
		if !ok || id(record) != id(item) {
			continue
		}
		r.record = record
		result := fields(r.first.items)
		if lacking := lacking(r.first.items, record); len(lacking) > 0 {
			result += "; lacking " + strings.Join(lacking, ", ")
		}
		p.finds(askFields+n.Name, result, "GET /%s: %d records, and GET of one", n.Name, len(r.first.items))
	}
	return nil
}

// fields lists the names of fields, of which some items may lack some.
func fields(items []map[string]any) string {
	count := make(map[string]int)
	for _, item := range items {
		for name := range item {
			count[name]++
		}
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		text := fieldName(name)
		if count[name] < len(items) {
			text += " (in some)"
		}
		texts = append(texts, text)
	}
	return strings.Join(distinct(texts), ", ")
}

// lacking lists the names of the fields that a record has and no item of the list.
func lacking(items []map[string]any, record map[string]any) []string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(record)) {
		if !slices.ContainsFunc(items, func(item map[string]any) bool { _, ok := item[name]; return ok }) {
			texts = append(texts, fieldName(name))
		}
	}
	return distinct(texts)
}

// distinct returns sorted texts without those that come again.
func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// enough is how many records with different created_at an order is concluded from. In
// any other order so many are sorted by created_at once in 20,000 times.
const enough = 8

// judgeOrder settles how the lists are sorted, by created_at on their first pages.
func (p *prober) judgeOrder() {
	orders := make(map[string][]string) // names of resources by order
	most := 0
	for _, n := range crm.Resources {
		r := p.resources[n.Name]
		if r == nil {
			continue
		}
		order, different := sorting(r.first.items)
		most = max(most, different)
		if different >= enough {
			orders[order] = append(orders[order], n.Name)
		}
	}
	how := fmt.Sprintf("created_at on the first pages, up to %d different ones", most)
	switch len(orders) {
	case 0:
		p.cannot(askOrder, "%s: %d would do", how, enough)
	case 1:
		for order := range orders {
			p.finds(askOrder, order, "%s", how)
		}
	default:
		var texts []string
		for _, order := range slices.Sorted(maps.Keys(orders)) {
			texts = append(texts, strings.Join(orders[order], ", ")+": "+order)
		}
		p.finds(askOrder, strings.Join(texts, "; "), "%s", how)
	}
}

// sorting returns how items are sorted, and how many different created_at they have.
func sorting(items []map[string]any) (order string, different int) {
	var times []time.Time
	for _, item := range items {
		text, _ := item["created_at"].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "", 0
		}
		times = append(times, at)
	}
	distinct := slices.CompactFunc(slices.SortedFunc(slices.Values(times), time.Time.Compare), time.Time.Equal)
	older := func(a, b time.Time) int { return b.Compare(a) }
	switch {
	case slices.IsSortedFunc(times, older):
		order = "newest first"
	case slices.IsSortedFunc(times, time.Time.Compare):
		order = "oldest first"
	default:
		order = "not by created_at"
	}
	return order, len(distinct)
}

var (
	uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	utc  = regexp.MustCompile(`(Z|[+-]00:00)$`)
)

// judgeForms settles the forms of ids and times.
func (p *prober) judgeForms() {
	var ids, times []string
	for _, n := range crm.Resources {
		if r := p.resources[n.Name]; r != nil {
			for _, item := range r.first.items {
				ids = append(ids, idForm(item["id"]))
				if item["created_at"] != nil {
					times = append(times, timeForm(item["created_at"]))
				}
			}
		}
	}
	for _, form := range []struct {
		question string
		seen     []string
	}{{askIDs, ids}, {askTimes, times}} {
		if len(form.seen) > 0 {
			slices.Sort(form.seen)
			count := len(form.seen)
			p.finds(form.question, strings.Join(slices.Compact(form.seen), "; "), "the first pages, %d records", count)
		}
	}
}

func idForm(value any) string {
	switch value := value.(type) {
	case nil:
		return "no id"
	case json.Number:
		return "numbers"
	case string:
		if uuid.MatchString(value) {
			return "UUIDs"
		}
		return "texts that are no UUIDs"
	}
	return "neither texts nor numbers"
}

func timeForm(value any) string {
	text, _ := value.(string)
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return "not RFC 3339"
	}
	if utc.MatchString(text) {
		return "RFC 3339 in UTC"
	}
	return "RFC 3339 in other zones"
}

// judgeDefault settles the size of a page without per_page.
func (p *prober) judgeDefault() {
	sizes := make(map[int]bool)
	full, short, constant := 0, 0, 0
	for _, r := range p.resources {
		first := r.first
		sizes[first.perPage] = true
		switch n := len(first.items); {
		case n == first.perPage && n < first.total:
			full++
		case n == first.perPage: // per_page may just count the items
		case n > first.perPage:
			p.cannot(askDefault, "per_page in meta is %d, and GET /%s has %d items", first.perPage, r.name, n)
			return
		case n < first.total:
			short++
		default:
			constant++
		}
	}
	for size := range sizes {
		switch {
		case len(sizes) > 1 || full == 0 && (short > 0 || constant == 0):
			p.cannot(askDefault, "per_page and total in meta do not fit the items of the %d lists", len(p.resources))
		case full == 0:
			p.finds(askDefault, fmt.Sprint(size), "per_page in meta; no list has so many records")
		default:
			p.finds(askDefault, fmt.Sprint(size), "per_page in meta, and the number of items")
		}
	}
}
