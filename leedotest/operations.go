package leedotest

import (
	"encoding/json"
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

	data := []json.RawMessage{} // an empty list is [], never null
	for _, r := range t.page((page-1)*perPage, perPage) {
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

// positive returns a query parameter, or initial if it is absent. It reports false
// if the parameter is not a positive integer of at most 31 bits, so that page *
// per_page cannot overflow.
func positive(query url.Values, name string, initial int64) (int64, bool) {
	if !query.Has(name) {
		return initial, true
	}
	n, err := strconv.ParseUint(query.Get(name), 10, 31)
	return int64(n), err == nil && n > 0
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
