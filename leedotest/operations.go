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

func (s *Server) list(t *table, _ string, in *arrival) *answer {
	query, err := url.ParseQuery(in.query)
	if err != nil {
		return refusal(http.StatusBadRequest, "the query is malformed: %v", err)
	}
	page, ok := positive(query, "page", 1)
	if !ok {
		return refusal(http.StatusBadRequest, "page must be a positive integer")
	}
	perPage, ok := positive(query, "per_page", defaultPerPage)
	if !ok {
		return refusal(http.StatusBadRequest, "per_page must be a positive integer")
	}
	perPage = min(perPage, maxPerPage)

	data := []json.RawMessage{} // an empty list is [], never null
	for _, r := range t.page((page-1)*perPage, perPage) {
		data = append(data, t.kind.listItem(r))
	}
	return jsonAnswer(http.StatusOK, object(
		member{"data", data},
		member{"meta", json.RawMessage(object(
			member{"total", len(t.rows)},
			member{"page", page},
			member{"per_page", perPage},
		))},
	))
}

// positive reads a parameter, initial if it is not there. It is bounded, so
// that page * per_page cannot overflow.
func positive(query url.Values, name string, initial int64) (int64, bool) {
	if !query.Has(name) {
		return initial, true
	}
	n, err := strconv.ParseUint(query.Get(name), 10, 31)
	return int64(n), err == nil && n > 0
}

func (s *Server) get(t *table, id string, _ *arrival) *answer {
	r := t.rows[id]
	if r == nil {
		return noRecord(t)
	}
	return jsonAnswer(http.StatusOK, t.kind.item(r))
}

// create returns nil if WithIDs has to name the record first.
func (s *Server) create(t *table, _ string, in *arrival) *answer {
	values := make(map[string]any)
	if problem := s.apply(t.kind, values, in); problem != nil {
		return problem
	}
	if values[t.kind.required] == nil {
		return refusal(http.StatusBadRequest, "%s must be a non-empty string", t.kind.required)
	}
	if s.ids != nil && !in.named {
		return nil
	}
	return jsonAnswer(http.StatusCreated, t.kind.item(t.put(record{id: s.freeID(in.id), values: values}, in.now)))
}

func (s *Server) update(t *table, id string, in *arrival) *answer {
	r := t.rows[id]
	if r == nil {
		return noRecord(t)
	}
	values := maps.Clone(r.values)
	if problem := s.apply(t.kind, values, in); problem != nil {
		return problem
	}
	return jsonAnswer(http.StatusOK, t.kind.item(t.update(r, values, in.now)))
}

func noRecord(t *table) *answer {
	return refusal(http.StatusNotFound, "no such %s", t.kind.name)
}
