package behaviour_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// book is a list on a server.
type book struct {
	rows    []string                        // ids, in the order of the list
	most    int                             // rows on a page
	before  map[int]func([]string) []string // what happens to the list before the nth request
	replies map[int]reply                   // to the nth request instead
	meta    func(total, page, perPage int) string
	n       int

	// slow is for iterations that send requests at the same time, in no order:
	// a page takes a second and as many milliseconds as its number. The list
	// changes by time, n-1.5 seconds after the beginning instead of before the
	// nth request, and replies are by the number of the page.
	slow  bool
	start time.Time
}

// numbered is a list of n rows, newest first: r9 … r1.
func numbered(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "r" + strconv.Itoa(n-i)
	}
	return rows
}

func (b *book) reply(req *http.Request) reply {
	b.n++
	if b.start.IsZero() {
		b.start = time.Now()
	}
	for n := range 9 {
		due := b.n == n
		if b.slow {
			due = time.Since(b.start) > time.Duration(n)*time.Second-1500*time.Millisecond
		}
		if change := b.before[n]; change != nil && due {
			b.rows = change(slices.Clone(b.rows))
			delete(b.before, n)
		}
	}
	page, _ := strconv.Atoi(req.URL.Query().Get("page"))
	perPage, _ := strconv.Atoi(req.URL.Query().Get("per_page"))
	page, perPage = max(page, 1), min(max(perPage, 1), b.most)
	from := min((page-1)*perPage, len(b.rows))
	rows := b.rows[from:min(from+perPage, len(b.rows))]
	records := make([]string, len(rows))
	for i, id := range rows {
		records[i] = `{"id":"` + id + `"}`
	}
	body := pageJSON(len(b.rows), page, perPage, records...)
	if b.meta != nil {
		body = `{"data":[` + strings.Join(records, ",") + `],"meta":` + b.meta(len(b.rows), page, perPage) + `}`
	}
	r := respond(200, body)
	r.name += " [" + strings.Join(rows, " ") + "]"
	nth := b.n
	if b.slow {
		nth = page
	}
	if other, ok := b.replies[nth]; ok {
		r = other
		delete(b.replies, nth)
	}
	if b.slow {
		r = r.late(time.Second + time.Duration(page)*time.Millisecond)
	}
	return r
}

func (b *book) RoundTrip(req *http.Request) (*http.Response, error) { return b.reply(req).give(req) }

// Changes of a list.
func remove(ids ...string) func([]string) []string {
	return func(rows []string) []string {
		return slices.DeleteFunc(rows, func(id string) bool { return slices.Contains(ids, id) })
	}
}

func insert(ids ...string) func([]string) []string {
	return func(rows []string) []string { return append(slices.Clone(ids), rows...) }
}

func both(changes ...func([]string) []string) func([]string) []string {
	return func(rows []string) []string {
		for _, change := range changes {
			rows = change(rows)
		}
		return rows
	}
}

// listCase is an iteration over a list.
type listCase struct {
	name   string
	book   func() *book
	params *leedo.LeadListParams
	opts   []leedo.RequestOption
	stop   int // break off after so many items; 0: not
}

// play iterates with All or Pages and prints what they yield, when.
func (c listCase) play(s *scene, pages bool, opts ...leedo.RequestOption) {
	client := s.client(c.book())
	opts = append(slices.Clone(c.opts), opts...)
	n := 0
	work := func() { // a caller who takes time for each page
		if s.sorting {
			time.Sleep(100 * time.Millisecond)
		}
	}
	if pages {
		for page, err := range client.Leads.Pages(s.t.Context(), c.params, opts...) {
			if err != nil {
				s.result(nil, err)
				continue
			}
			s.say("yields %s", yield(page))
			work()
			if n += len(page.Data); c.stop > 0 && n >= c.stop {
				break
			}
		}
	} else {
		var yielded []string
		for lead, err := range client.Leads.All(s.t.Context(), c.params, opts...) {
			if err != nil {
				s.result(nil, err)
				continue
			}
			yielded = append(yielded, lead.ID)
			if c.stop > 0 && len(yielded) >= c.stop {
				break
			}
		}
		s.say("yielded %s", strings.Join(yielded, " "))
	}
	s.say("ends")
}

func still(n, most int) func() *book {
	return func() *book { return &book{rows: numbered(n), most: most} }
}

func moving(n, most int, before map[int]func([]string) []string) func() *book {
	return func() *book { return &book{rows: numbered(n), most: most, before: maps.Clone(before)} }
}

func broken(n, most int, at int, r reply) func() *book {
	return func() *book { return &book{rows: numbered(n), most: most, replies: map[int]reply{at: r}} }
}

func misleading(n, most int, meta func(total, page, perPage int) string) func() *book {
	return func() *book { return &book{rows: numbered(n), most: most, meta: meta} }
}

// listCases are for iterations with and without WithPrefetch.
func listCases() []listCase {
	type changes = map[int]func([]string) []string
	meta := func(format string) func(total, page, perPage int) string {
		return func(total, page, perPage int) string {
			return strings.NewReplacer("TOTAL", strconv.Itoa(total), "PAGE", strconv.Itoa(page), "PER", strconv.Itoa(perPage)).Replace(format)
		}
	}
	return []listCase{
		{name: "no items", book: still(0, 3)},
		{name: "one page, not full", book: still(2, 3)},
		{name: "one page, full", book: still(3, 3)},
		{name: "three pages", book: still(7, 3)},
		{name: "three full pages", book: still(9, 3)},
		{name: "from page 2", book: still(7, 3), params: &leedo.LeadListParams{Page: 2}},
		{name: "from a page beyond the end", book: still(7, 3), params: &leedo.LeadListParams{Page: 9}},
		{name: "two on a page", book: still(5, 3), params: &leedo.LeadListParams{PerPage: 2}},
		{name: "from page 2 by WithQuery", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithQuery("page", "2"), leedo.WithQuery("sort", "name")}},
		{name: "WithMaxItems of less than a page", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithMaxItems(2)}},
		{name: "WithMaxItems of a page", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithMaxItems(3)}},
		{name: "WithMaxItems within the second page", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithMaxItems(5)}},
		{name: "WithMaxItems of more than there are", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithMaxItems(50)}},
		{name: "broken off in the first page", book: still(9, 3), stop: 1},
		{name: "broken off in the second page", book: still(9, 3), stop: 4},
		{name: "a removal before page 2", book: moving(9, 3, changes{2: remove("r8")})},
		{name: "a removal of what is not read yet", book: moving(9, 3, changes{2: remove("r2")})},
		{name: "two removals before page 3", book: moving(9, 3, changes{3: remove("r9", "r8")})},
		{name: "removals of a whole page", book: moving(9, 3, changes{3: remove("r9", "r8", "r7", "r6")})},
		{name: "an insertion before page 2", book: moving(9, 3, changes{2: insert("n1")})},
		{name: "insertions of a whole page", book: moving(9, 3, changes{2: insert("n1", "n2", "n3")})},
		{name: "an insertion and a removal", book: moving(9, 3, changes{2: both(insert("n1"), remove("r8"))})},
		{name: "the list becomes empty", book: moving(9, 3, changes{2: func([]string) []string { return nil }})},
		{name: "the list is turned around", book: moving(9, 3, changes{2: func(rows []string) []string { slices.Reverse(rows); return rows }})},
		{name: "an insertion before each page", book: moving(6, 3, changes{2: insert("n1"), 3: insert("n2"), 4: insert("n3")})},
		{name: "a removal before each page", book: moving(12, 3, changes{2: remove("r12"), 3: remove("r11"), 4: remove("r10"), 5: remove("r9")})},
		{name: "an id twice on a page", book: func() *book { return &book{rows: []string{"a", "a", "b", "c"}, most: 3} }},
		{name: "an id again on the next page", book: func() *book { return &book{rows: []string{"a", "b", "c", "c", "d"}, most: 3} }},
		{name: "the same page for ever", book: misleading(9, 9, meta(`{"total":100,"page":PAGE,"per_page":9}`))},
		{name: "meta.page is always 1", book: misleading(7, 3, meta(`{"total":TOTAL,"page":1,"per_page":PER}`))},
		{name: "meta.page is one less", book: misleading(7, 3, func(total, page, per int) string {
			return fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%d}`, total, page-1, per)
		})},
		{name: "meta.per_page is 0", book: misleading(7, 3, meta(`{"total":TOTAL,"page":PAGE,"per_page":0}`))},
		{name: "meta.per_page grows", book: misleading(7, 3, func(total, page, per int) string {
			return fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%d}`, total, page, per+page)
		})},
		{name: "meta.total is negative", book: misleading(7, 3, meta(`{"total":-1,"page":PAGE,"per_page":PER}`))},
		{name: "meta.total is 0", book: misleading(7, 3, meta(`{"total":0,"page":PAGE,"per_page":PER}`))},
		{name: "meta.total is too small", book: misleading(7, 3, meta(`{"total":4,"page":PAGE,"per_page":PER}`))},
		{name: "meta.total is too large", book: misleading(7, 3, meta(`{"total":50,"page":PAGE,"per_page":PER}`))},
		{name: "meta.total grows with each page", book: misleading(7, 3, func(total, page, per int) string {
			return fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%d}`, total+3*page, page, per)
		})},
		{name: "no meta", book: misleading(7, 3, meta(`null`))},
		{name: "meta is empty", book: misleading(7, 3, meta(`{}`))},
		{name: "meta has texts", book: misleading(7, 3, meta(`{"total":"TOTAL","page":"PAGE","per_page":"PER"}`))},
		{name: "page 2 has no data", book: broken(9, 3, 2, respond(200, `{"meta":{"total":9,"page":2,"per_page":3}}`))},
		{name: "page 2 is empty", book: broken(9, 3, 2, respond(200, pageJSON(9, 2, 3)))},
		{name: "page 2 is not full", book: broken(9, 3, 2, respond(200, pageJSON(9, 2, 3, `{"id":"r6"}`)))},
		{name: "page 2 has a row without an id", book: broken(9, 3, 2, respond(200, pageJSON(9, 2, 3, `{"id":"r6"}`, `{}`)))},
		{name: "page 2 has a row that does not fit", book: broken(9, 3, 2, respond(200, pageJSON(9, 2, 3, `{"id":"r6"}`, `{"id":"r5","created_at":"soon"}`)))},
		{name: "page 2 is HTML", book: broken(9, 3, 2, respond(200, "<html>", "Content-Type", "text/html"))},
		{name: "page 2 is a 404", book: broken(9, 3, 2, respond(404, problem("not_found", "no such page")))},
		{name: "page 2 is a 503 once", book: broken(9, 3, 2, respond(503, ""))},
		{name: "page 2 is a 429 once", book: broken(9, 3, 2, respond(429, "", "Retry-After", "5"))},
		{name: "page 2 is cut once", book: broken(9, 3, 2, cutAfter(200, `{"data":[`))},
		{name: "page 2 is redirected", book: broken(9, 3, 2, respond(307, "", "Location", "https://elsewhere.example/v1/leads"))},
		{name: "page 1 is a 401", book: broken(9, 3, 1, respond(401, problem("unauthorized", "invalid token")))},
		{name: "an option that is not for it", book: still(7, 3), opts: []leedo.RequestOption{leedo.WithBodyField("a", 1)}},
		{name: "meta.per_page is too large", book: misleading(7, 3, meta(`{"total":TOTAL,"page":PAGE,"per_page":100}`))},
		{name: "meta.total is what is left", book: misleading(10, 3, func(total, page, per int) string {
			return fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%d}`, total-per*(page-1), page, per)
		})},
		{name: "page 2 is empty with a total of 0", book: broken(9, 3, 2, respond(200, pageJSON(0, 2, 3)))},
		{name: "a 404 behind a full last page", book: broken(6, 3, 3, respond(404, problem("not_found", "no such page")))},
		{name: "a 403 behind a full last page", book: broken(6, 3, 3, respond(403, ""))},
		{name: "a 403 before a page that is missing", book: broken(7, 3, 3, respond(403, ""))},
	}
}

func listTraces() []trace {
	var all []trace
	for i, c := range listCases() {
		for _, pages := range []bool{false, true} {
			if !pages && i%3 != 0 {
				continue // All is Pages, row by row
			}
			all = append(all, trace{listName(pages) + c.name, func(s *scene) { s.grain = time.Second; c.play(s, pages) }})
		}
	}
	all = append(all,
		trace{"Leads.All ranged over twice", func(s *scene) {
			client := s.client(still(4, 3)())
			sequence := client.Leads.All(s.t.Context(), nil)
			for range 2 {
				value, err := collect(sequence)
				s.result(value, err)
			}
		}},
		trace{"Leads.All of a list that grows without end and repeats itself", func(s *scene) {
			n := 0
			client := s.unseen(server(func(*http.Request) reply {
				n++
				return respond(200, pageJSON(100*n, n, 2, `{"id":"r1"}`, `{"id":"r2"}`))
			}))
			value, err := collect(client.Leads.All(s.t.Context(), nil))
			s.say("after %s", plural(n, "request"))
			s.result(value, err)
		}},
		trace{"Leads.All of a list that shrinks without end", func(s *scene) {
			n := 0
			client := s.unseen(server(func(r *http.Request) reply {
				n++
				page, _ := strconv.Atoi(r.URL.Query().Get("page"))
				return respond(200, pageJSON(1000-n, page, 2, fmt.Sprintf(`{"id":"r%d"}`, 2*n), fmt.Sprintf(`{"id":"r%d"}`, 2*n+1)))
			}))
			value, err := collect(client.Leads.All(s.t.Context(), nil))
			s.say("after %s", plural(n, "request"))
			s.result(value, err)
		}},
		trace{"Leads.All not ranged over", func(s *scene) {
			s.client(still(4, 3)()).Leads.All(s.t.Context(), nil)
			s.say("nothing is sent")
		}},
		trace{"Leads.All: params changed after the call", func(s *scene) {
			params := &leedo.LeadListParams{Page: 2, PerPage: 2}
			sequence := s.client(still(4, 3)()).Leads.All(s.t.Context(), params)
			params.Page = 1
			value, err := collect(sequence)
			s.result(value, err)
			s.say("params are now %+v", *params)
		}},
		trace{"Leads.All with WithResponse", func(s *scene) {
			var response leedo.Response
			client := s.client(still(4, 3)())
			for lead, err := range client.Leads.All(s.t.Context(), nil, leedo.WithResponse(&response)) {
				s.result(lead, err)
				s.response(&response)
			}
		}},
		trace{"Leads.All: the context ends between two pages", func(s *scene) {
			ctx, cancel := context.WithCancel(s.t.Context())
			defer cancel()
			for lead, err := range s.client(still(7, 3)()).Leads.All(ctx, nil) {
				s.result(lead, err)
				cancel()
			}
		}},
		trace{"Leads.All waits for the quota as bulk, each page for itself", func(s *scene) {
			s.grain = time.Second
			b, n := still(8, 3)(), 0
			client := s.client(server(func(req *http.Request) reply {
				n++
				r := b.reply(req)
				give := r.give
				r.give = func(req *http.Request) (*http.Response, error) {
					resp, err := give(req)
					for i, h := range rate("90", "0", "40") {
						if i%2 == 1 {
							resp.Header.Set(rate("90", "0", "40")[i-1], h)
						}
					}
					return resp, err
				}
				return r
			}), leedo.WithMaxWait(2*time.Minute))
			value, err := collect(client.Leads.All(s.t.Context(), nil))
			s.result(value, err)
		}},
	)
	return all
}

func listName(pages bool) string {
	if pages {
		return "Leads.Pages: "
	}
	return "Leads.All: "
}

// prefetchTraces are iterations whose pages are fetched at the same time.
// Requests and hooks of the same time are sorted.
func prefetchTraces() []trace {
	var all []trace
	for i, c := range listCases() {
		for _, n := range []int{1, 3} {
			if i == 0 || n == 1 && i%4 != 0 {
				continue
			}
			all = append(all, trace{fmt.Sprintf("WithPrefetch %d: %s", n, c.name), func(s *scene) {
				s.sorting = true
				if strings.Contains(c.name, "429") {
					s.grain = time.Second
				}
				c.slowly().play(s, true, leedo.WithPrefetch(n))
			}})
		}
	}
	for _, n := range []int{0, 2, 5, 100, 1000} {
		for name, opts := range inOrder(map[string][]leedo.RequestOption{"30 items": nil, "8 of 30 items": {leedo.WithMaxItems(8)}}) {
			all = append(all, trace{fmt.Sprintf("WithPrefetch %d: %s", n, name), func(s *scene) {
				s.sorting = true
				listCase{book: still(30, 3), opts: opts}.slowly().play(s, true, leedo.WithPrefetch(n))
			}})
		}
	}
	return all
}

// slowly is the same iteration over a slow server.
func (c listCase) slowly() listCase {
	quick := c.book
	c.book = func() *book {
		b := quick()
		b.slow = true
		return b
	}
	return c
}
