package walk

import (
	"cmp"
	"errors"
	"iter"
	"net/url"
	"strconv"
)

// perPage is the page size that an iteration requests by default.
const perPage = "100"

// Plan is the configuration of an iteration.
type Plan struct {
	Start    int // the first page
	PerPage  int // the requested page size; zero if unknown
	MaxItems int // the largest number of items; zero means no limit
	Prefetch int // the largest number of pages fetched ahead
}

// TakeStart removes the page to start at from a query. It returns the rest, encoded
// once for all pages, so that only the page number is to be appended.
func (p *Plan) TakeStart(query url.Values) (rest string, err error) {
	if query == nil {
		query = url.Values{}
	}
	p.Start, err = strconv.Atoi(cmp.Or(query.Get("page"), "1"))
	if err != nil || p.Start < 1 {
		return "", errors.New("page must be an integer of at least 1")
	}
	query.Del("page")
	if !query.Has("per_page") {
		query.Set("per_page", perPage)
	}
	p.PerPage, _ = strconv.Atoi(query.Get("per_page"))
	return query.Encode() + "&page=", nil
}

// Items iterates over the items of pages.
func Items[P, T any](pages iter.Seq2[P, error], items func(P) []T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			data := items(page)
			for i := range data {
				if !yield(&data[i], nil) {
					return
				}
			}
		}
	}
}
