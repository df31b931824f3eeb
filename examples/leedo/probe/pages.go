package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// The statuses of a request that the server finds wrong.
var rejections = []int{
	http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnprocessableEntity,
}

// orOK is the rejections and 200.
var orOK = append([]int{http.StatusOK}, rejections...)

// Findings that others depend on.
const (
	pagingWorks = "page and per_page"
	totalAll    = "all records of the list"
	totalMore   = "more than the list has"
	totalEnds   = "not all records: the list goes on after them"
)

// longest returns the resources that report the most records: two if that is the same
// number.
func (p *prober) longest() []*resource {
	var longest []*resource
	for _, n := range crm.Resources {
		r := p.resources[n.Name]
		switch {
		case r == nil || len(r.first.ids) < 2:
		case len(longest) == 0 || r.first.total > longest[0].first.total:
			longest = []*resource{r}
		case r.first.total == longest[0].first.total && len(longest) == 1:
			longest = append(longest, r)
		}
	}
	return longest
}

// readPages settles how a list is divided into pages, and what total counts. If two
// lists report the same number of records, that may be where the server stops counting:
// both are read then.
func (p *prober) readPages(ctx context.Context) error {
	for _, r := range p.longest() {
		if err := p.pages(ctx, r); err != nil {
			return p.skip(err, askPaging, askTotal, askBeyond)
		}
	}
	return nil
}

func (p *prober) pages(ctx context.Context, r *resource) error {
	// A list that changes meanwhile spoils it: once more then.
	for range 2 {
		settled, err := p.paging(ctx, r)
		if err != nil || settled {
			return err
		}
		if r.first, err = p.list(ctx, "/"+r.name, ""); err != nil || len(r.first.items) < 2 {
			return err
		}
	}
	return nil
}

// paging compares the second small page of a list with the first page, and goes on to
// the end if it is right. It returns false if the list has changed.
func (p *prober) paging(ctx context.Context, r *resource) (settled bool, err error) {
	size := min(7, len(r.first.items)/2)
	second, err := p.list(ctx, "/"+r.name, fmt.Sprintf("page=2&per_page=%d", size))
	if err != nil {
		return false, err
	}
	how := fmt.Sprintf("GET /%s?page=2&per_page=%d, compared with GET /%s", r.name, size, r.name)
	first := r.first.ids
	switch {
	case slices.Equal(second.ids, first[size:2*size]):
		p.finds(askPaging, pagingWorks, "%s", how)
	case slices.Equal(second.ids, first[:size]):
		p.finds(askPaging, "per_page; page is ignored", "%s", how)
		return true, nil
	case slices.Equal(second.ids, first):
		p.finds(askPaging, "page and per_page are ignored", "%s", how)
		return true, nil
	default:
		return false, nil
	}
	if second.total == len(second.ids) && r.first.total == len(first) && second.total != r.first.total {
		p.finds(askTotal, "the items of the page", "%d with %d items, %d with %d", r.first.total, len(first), second.total, len(second.ids))
		return true, nil
	}
	if second.total != r.first.total {
		return false, nil
	}
	return p.end(ctx, r, size)
}

// end reads the last page according to total, and the one after it.
func (p *prober) end(ctx context.Context, r *resource, size int) (settled bool, err error) {
	total := r.first.total
	number := (total + size - 1) / size
	query := func(page int) string { return fmt.Sprintf("page=%d&per_page=%d", page, size) }
	last, err := p.list(ctx, "/"+r.name, query(number))
	if err != nil {
		return false, err
	}
	x, err := p.again(ctx, "/"+r.name, query(number+1), orOK...)
	if err != nil {
		return false, err
	}
	after, ok := x.page()
	if x.is(http.StatusOK) && (!ok || len(after.ids) < len(after.items)) {
		return false, errUnusable
	}
	if last.total != total || ok && after.total != total {
		return false, nil
	}
	how := fmt.Sprintf("total is %d, GET /%s?%s has %d items, the page after it", total, r.name, query(number), len(last.ids))
	repeated := len(after.ids) > 0 && (slices.Equal(after.ids, last.ids) || slices.Equal(after.ids, r.first.ids[:min(size, len(after.ids))]))
	ends := len(after.ids) == 0 || repeated
	if repeated {
		// The last page by total may itself be a repetition.
		previous, err := p.list(ctx, "/"+r.name, query(number-1))
		if err != nil {
			return false, err
		}
		if slices.Equal(previous.ids, last.ids) {
			p.finds(askTotal, totalMore, "%s and the one before it are the same", how)
			return true, nil
		}
	}
	switch expected := total - (number-1)*size; {
	case len(last.ids) == expected && ends:
		p.finds(askTotal, totalAll, "%s none", how)
		p.finds(askBeyond, p.beyond(x, after, last), "GET /%s?%s", r.name, query(number+1))
		return true, nil
	case len(last.ids) == size && !ends:
		p.finds(askTotal, totalEnds, "%s %d", how, len(after.ids))
		delete(p.found, askBeyond) // of another list
		return true, nil
	case len(last.ids) < expected && ends:
		p.finds(askTotal, totalMore, "%s none", how)
		return true, nil
	}
	return false, nil
}

// beyond describes the page after the last.
func (p *prober) beyond(x *exchange, after, last page) string {
	body, _ := x.content.(map[string]any)
	switch {
	case !x.is(http.StatusOK):
		return fmt.Sprint(x.StatusCode)
	case len(after.ids) > 0 && slices.Equal(after.ids, last.ids):
		return "200 with the items of the last page"
	case len(after.ids) > 0:
		return "200 with the items of the first page"
	case body["data"] == nil:
		return "200 with data null"
	}
	return "200 with no items"
}

// most is the per_page that is asked for to find the largest; usual are those that it
// is likely to be.
const most = 1000

var usual = []int{50, 100, 200, 250, 500}

// readLargest settles the largest page: it asks for a very large one, and then looks
// for the largest that is served as asked.
func (p *prober) readLargest(ctx context.Context) error {
	longest := p.longest()
	total := p.found[askTotal].Result
	if len(longest) == 0 || p.found[askPaging].Result != pagingWorks || total != totalAll && total != totalEnds {
		return nil
	}
	return p.skip(p.largest(ctx, longest[0]), askLargest)
}

func (p *prober) largest(ctx context.Context, r *resource) error {
	seen := 0 // the most items on a page
	// served returns how large a page is if n items are asked for; 0 if
	// the request is rejected.
	served := func(get getter, n int) (int, error) {
		x, err := get(ctx, "/"+r.name, fmt.Sprintf("page=1&per_page=%d", n), orOK...)
		if err != nil || !x.is(http.StatusOK) {
			return 0, err
		}
		got, ok := x.page()
		if !ok {
			return 0, errUnusable
		}
		count := len(got.items)
		seen = max(seen, count)
		switch {
		case count < min(got.perPage, got.total): // meta is wrong
			return count, nil
		case count == got.total && count == got.perPage && count < n: // meta may just count the items
			return 0, errUnusable
		}
		return got.perPage, nil
	}
	found := func(size int) error {
		how := fmt.Sprintf("per_page=%d is served, per_page=%d is not", size, size+1)
		if seen < size {
			how += fmt.Sprintf(", according to meta: there are only %d records", seen)
		}
		p.finds(askLargest, fmt.Sprint(size), "%s", how)
		return nil
	}

	size, err := served(p.again, most)
	switch {
	case err != nil:
		return err
	case size >= most && seen < most:
		p.cannot(askLargest, "per_page=%d is not reduced, and GET /%s has only %d items: GET of a longer list", most, r.name, seen)
		return nil
	case size >= most:
		p.finds(askLargest, fmt.Sprintf("at least %d", most), "GET /%s?per_page=%d", r.name, most)
		return nil
	}
	low, high := len(r.first.ids), most // is served, is not
	if size > 0 {
		// A server may reduce per_page to the largest, or to the default if it is
		// larger than allowed: one more shows which.
		above, err := served(p.get, size+1)
		if err != nil {
			return err
		}
		if above == size {
			return found(size)
		}
		low = size + 1
		if above != low {
			return errUnusable
		}
	}
	for low+1 < high {
		middle := between(low, high)
		size, err := served(p.get, middle)
		if err != nil {
			return err
		}
		if size == middle {
			low = middle
		} else {
			high = middle
		}
	}
	if size, err = served(p.get, high); err != nil || size == high { // was an accident then
		return cmp.Or(err, errUnusable)
	}
	return found(low)
}

// between returns a size between two others: first the usual ones, and whether one is
// the largest.
func between(low, high int) int {
	var candidates []int
	for _, n := range usual {
		if low < n && n < high {
			candidates = append(candidates, n)
		}
	}
	switch {
	case len(candidates) > 0:
		return candidates[len(candidates)/2]
	case slices.Contains(usual, low):
		return low + 1
	}
	return (low + high) / 2
}
