package leedotest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// controlRecords lists all records of a kind, newest first, with all their fields.
func (s *Server) controlRecords(c *command) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []json.RawMessage{}
	for _, r := range s.store[c.kind.path].all() {
		items = append(items, c.kind.item(r))
	}
	return listResponse(items)
}

// controlAdd adds a record with the fields as they are given, even null. It validates
// only those that the store needs. Zero is no time: it means one that is not given.
func (s *Server) controlAdd(c *command) *response {
	values, problem := c.object()
	if problem != nil {
		return problem
	}
	r := record{values: values}
	if id, given := values["id"]; given {
		r.id, _ = id.(string)
		if r.id == "" {
			return errorResponse(http.StatusBadRequest, "id must be a non-empty string")
		}
	}
	for name, at := range map[string]*time.Time{"created_at": &r.created, "updated_at": &r.updated} {
		if value, given := values[name]; given {
			text, _ := value.(string)
			var err error
			*at, err = time.Parse(time.RFC3339, text)
			if year := at.UTC().Year(); err != nil || at.IsZero() || year < 0 || year > 9999 { // in UTC, as it is sent
				return errorResponse(http.StatusBadRequest, `%s must be a time such as "2025-10-01T12:00:00Z"`, name)
			}
		}
	}
	maps.DeleteFunc(values, func(name string, _ any) bool { return readOnly(name) })
	for _, f := range c.kind.fields {
		if _, given := values[f.name]; !given {
			values[f.name] = f.initial
		}
	}
	added := s.add(c.kind.path, r, false)
	if added == nil {
		return errorResponse(http.StatusConflict, "a record has this id; PATCH changes it")
	}
	return jsonResponse(http.StatusCreated, c.kind.item(added))
}

// controlChange sets fields to any values, as SetField does.
func (s *Server) controlChange(c *command) *response {
	values, problem := c.object()
	if problem != nil {
		return problem
	}
	if _, given := values["id"]; given {
		return errorResponse(http.StatusBadRequest, "id cannot be changed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.store[c.kind.path]
	r := t.records[c.id]
	if r == nil {
		return noRecord(t)
	}
	return jsonResponse(http.StatusOK, t.kind.item(t.set(r, values)))
}

func (s *Server) controlDelete(c *command) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.store[c.kind.path]; !t.remove(c.id) {
		return noRecord(t)
	}
	return newResponse(http.StatusNoContent, nil)
}

// requestFields is a [Request] in JSON.
type requestFields struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  url.Values  `json:"query"`
	Header http.Header `json:"header"` // without the token
	Body   string      `json:"body"`
	Status int         `json:"status"`
}

// controlRequests lists the requests that arrived and match the query, oldest first.
func (s *Server) controlRequests(c *command) *response {
	method, path := c.query.Get("method"), c.query.Get("path")
	if err := (&Fault{Path: path, Drop: true}).check(jsonNames); err != nil {
		return errorResponse(http.StatusBadRequest, "%v", err)
	}
	status := -1
	if c.query.Has("status") {
		var err error
		if status, err = strconv.Atoi(c.query.Get("status")); err != nil || status < 0 || status > 999 {
			return errorResponse(http.StatusBadRequest, "status must be a status code, or 0 for no response")
		}
	}
	items := []requestFields{}
	for _, r := range s.Requests() {
		if method != "" && !strings.EqualFold(method, r.Method) || path != "" && !matchPath(path, r.Path) || status >= 0 && status != r.Status {
			continue
		}
		if len(r.Header["Authorization"]) > 0 {
			r.Header.Set("Authorization", "[hidden]")
		}
		items = append(items, requestFields{r.Method, r.Path, r.Query, r.Header, string(r.Body), r.Status})
	}
	return listResponse(items)
}

// clone returns a copy for changes. Records are never changed in place.
func (s store) clone() store {
	c := make(store)
	for path, t := range s {
		blocks := slices.Clone(t.order.blocks)
		for i := range blocks {
			blocks[i].ids = slices.Clone(blocks[i].ids)
		}
		c[path] = &table{kind: t.kind, order: order{t.order.next, blocks}, records: maps.Clone(t.records)}
	}
	return c
}
