package leedotest

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

const (
	defaultPerPage = 20
	maxPerPage     = 100
)

func (s *Server) list(t *table, _ string, in *arrival) *response {
	query, err := url.ParseQuery(in.query)
	if err != nil {
		return errorResponse(http.StatusBadRequest, "the query is malformed: %v", err)
	}
	page, ok := positive(query, "page", 1)
	if !ok {
		return errorResponse(http.StatusBadRequest, "page must be a positive integer")
	}
	perPage, ok := positive(query, "per_page", defaultPerPage)
	if !ok {
		return errorResponse(http.StatusBadRequest, "per_page must be a positive integer")
	}
	perPage = min(perPage, maxPerPage)
	before := min(page-1, int64(len(t.records))) * perPage // behind the last page, whatever the page

	data := []json.RawMessage{} // an empty list is [], never null
	for _, r := range t.page(before, perPage) {
		data = append(data, t.kind.listItem(r))
	}
	return jsonResponse(http.StatusOK, object(
		member{"data", data},
		member{"meta", json.RawMessage(object(
			member{"total", len(t.records)},
			member{"page", page},
			member{"per_page", perPage},
		))},
	))
}

// positive returns a query parameter, or initial if it is absent. One that does not fit
// into 63 bits counts as the largest that does. It reports false if the parameter is not
// a positive integer.
func positive(query url.Values, name string, initial int64) (int64, bool) {
	if !query.Has(name) {
		return initial, true
	}
	n, err := strconv.ParseUint(query.Get(name), 10, 63)
	return int64(n), n > 0 && (err == nil || errors.Is(err, strconv.ErrRange))
}

func (s *Server) get(t *table, id string, _ *arrival) *response {
	r := t.records[id]
	if r == nil {
		return noRecord(t)
	}
	return jsonResponse(http.StatusOK, t.kind.item(r))
}

// create returns nil, and has changed nothing, if WithIDs' function has to make the
// record's id first.
func (s *Server) create(t *table, _ string, in *arrival) *response {
	values := make(map[string]any)
	if problem := s.apply(t.kind, values, in); problem != nil {
		return problem
	}
	if values[t.kind.required] == nil {
		return errorResponse(http.StatusBadRequest, "%s must be a non-empty string", t.kind.required)
	}
	if s.ids != nil && !in.named {
		return nil
	}
	t.kind.fill(values)
	return jsonResponse(http.StatusCreated, t.kind.item(t.put(record{id: s.freeID(in.id), values: values}, in.now)))
}

func (s *Server) update(t *table, id string, in *arrival) *response {
	r := t.records[id]
	if r == nil {
		return noRecord(t)
	}
	values := maps.Clone(r.values)
	if problem := s.apply(t.kind, values, in); problem != nil {
		return problem
	}
	return jsonResponse(http.StatusOK, t.kind.item(t.update(r, values, in.now)))
}

func noRecord(t *table) *response {
	return errorResponse(http.StatusNotFound, "no such %s", t.kind.name)
}
