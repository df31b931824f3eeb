package leedotest

import (
	"net/http"
	"net/url"
	"strings"
)

// operation carries out a request on the records of one kind; id is "" on the
// list.
type operation func(s *Server, t *table, id string, in *arrival) *answer

// operations returns what can be done with a list, or with one record, by
// method.
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
		ops[http.MethodHead] = get // the front ends leave the body out
	}
	return ops
}

// methods are those that operations may name, as an Allow header lists them.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch}

// route finds the operation that a request asks for and carries it out. The
// path is split while it is escaped, so that an id may have slashes, and
// nothing is cleaned or redirected. It returns nil, and has done nothing, if it
// needs an id for a record; see [Server.process]. The caller holds the lock.
func (s *Server) route(in *arrival) *answer {
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
	return s.once(in, func() *answer { return op(s, s.store[k.path], id, in) })
}

func noRoute(in *arrival) *answer {
	return refusal(http.StatusNotFound, "there is nothing at %s", in.path)
}

func notAllowed(in *arrival, ops map[string]operation) *answer {
	var allow []string
	for _, method := range methods {
		if ops[method] != nil {
			allow = append(allow, method)
		}
	}
	ans := refusal(http.StatusMethodNotAllowed, "%s cannot be used on %s", in.method, in.path)
	ans.header.Set("Allow", strings.Join(allow, ", "))
	return ans
}
