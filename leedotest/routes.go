package leedotest

import (
	"net/http"
	"net/url"
	"strings"
)

// operation executes a request on the records of one kind. For the list, id is "".
type operation func(s *Server, t *table, id string, in *arrival) *response

// operations returns the operations on one record, or on the list, by method.
func (k *kind) operations(one bool) map[string]operation {
	ops := make(map[string]operation)
	switch {
	case !one:
		ops[http.MethodGet] = (*Server).list
		if k.creates {
			ops[http.MethodPost] = (*Server).create
		}
	case k.gets:
		ops[http.MethodGet] = (*Server).get
		if k.updates {
			ops[http.MethodPatch] = (*Server).update
		}
	}
	if get := ops[http.MethodGet]; get != nil {
		ops[http.MethodHead] = get // the front ends omit the body
	}
	return ops
}

// methods lists the methods of all operations, in the order of an Allow header.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch}

// route finds the operation for a request and executes it. It splits the escaped
// path, so that an id may contain slashes, and does not clean or redirect paths. It
// returns nil, and has changed nothing, if the request creates a record that still
// needs an id; see Server.process. The caller holds the lock.
func (s *Server) route(in *arrival) *response {
	if in.problem != nil {
		return in.problem
	}
	path, ok := in.resource()
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	k := kindOf(segments[0])
	if !ok || k == nil || len(segments) > 2 {
		return noRoute(in)
	}
	var id string
	if one := len(segments) == 2; one {
		var err error
		if id, err = url.PathUnescape(segments[1]); err != nil || id == "" {
			return noRoute(in)
		}
	}
	ops := k.operations(id != "")
	if len(ops) == 0 {
		return noRoute(in)
	}
	op := ops[in.method]
	if op == nil {
		return notAllowed(in, ops)
	}
	if in.method == http.MethodGet || in.method == http.MethodHead {
		return op(s, s.store[k.path], id, in)
	}
	return s.once(in, func() *response { return op(s, s.store[k.path], id, in) })
}

func noRoute(in *arrival) *response {
	return errorResponse(http.StatusNotFound, "there is nothing at %s", in.path)
}

func notAllowed(in *arrival, ops map[string]operation) *response {
	var allow []string
	for _, method := range methods {
		if ops[method] != nil {
			allow = append(allow, method)
		}
	}
	resp := errorResponse(http.StatusMethodNotAllowed, "%s cannot be used on %s", in.method, in.path)
	resp.header.Set("Allow", strings.Join(allow, ", "))
	return resp
}
