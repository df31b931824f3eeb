package walk

import (
	"cmp"
	"errors"
	"iter"
	"net/url"
	"strconv"
)

// perPage is how many rows a walk asks for unless told.
const perPage = "100"

// Plan is how a walk is to go.
type Plan struct {
	Start    int // the first page
	PerPage  int // items on a page; 0: not known
	MaxItems int // items at most; 0: no limit
	Prefetch int // pages fetched before they are asked for, at most; 0: none
}

// TakeStart takes the page to start at out of a query and returns the rest of
// it, encoded once for all pages: the number of a page is to be appended.
func (p *Plan) TakeStart(query url.Values) (rest string, err error) {
	if query == nil {
		query = url.Values{}
	}
	p.Start, err = strconv.Atoi(cmp.Or(query.Get("page"), "1"))
	if err != nil || p.Start < 1 {
		return "", errors.New("a walk starts at a page from 1")
	}
	query.Del("page")
	if !query.Has("per_page") {
		query.Set("per_page", perPage)
	}
	p.PerPage, _ = strconv.Atoi(query.Get("per_page"))
	return query.Encode() + "&page=", nil
}

// Items walks the rows of pages.
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
