package leedotest

import (
	_ "embed" // the description of the control interface
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// controlDescription describes the control interface in OpenAPI. It is written in
// JSON, which is YAML as well.
//
//go:embed control.openapi.yaml
var controlDescription []byte

// ControlHandler returns a handler through which programs in any language control
// the server: faults, the requests that arrived, records, the plan and the clock.
// Its routes are under /_fake/; GET /_fake/openapi.json describes them. It requires
// the server's token. Its requests cost no quota, match no fault and are not among
// [Server.Requests].
//
// POST /_fake/clock advances the server's clock: times in responses change, and
// windows of the rate limit end. A running [leedo.Client] keeps to the local clock
// and does not notice; in Go use testing/synctest. POST /_fake/reset restores the
// records, the faults and the plan that the server had when ControlHandler was
// called, empties the list of requests, and sets the clock back.
//
// Experimental: routes and fields may change while this package is at version 0.
func (s *Server) ControlHandler() http.Handler {
	initial := s.snapshot()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp := s.control(r, initial)
		resp.header.Set("Date", s.clock.now().UTC().Format(http.TimeFormat))
		resp.write(w, r)
	})
}

// command is a request to the control interface.
type command struct {
	query   url.Values
	body    []byte
	kind    *kind     // of the records in the path
	id      string    // of the record in the path
	initial *snapshot // for a reset
}

// controlOperation executes a command.
type controlOperation func(*Server, *command) *response

// controlRoute is one path of the control interface.
type controlRoute struct {
	path       string
	operations map[string]controlOperation // by method
	query      []string                    // the query parameters
}

var controlRoutes = []controlRoute{
	{"/_fake/faults", map[string]controlOperation{"GET": (*Server).controlFaults, "POST": (*Server).controlInject, "DELETE": (*Server).controlClear}, nil},
	{"/_fake/requests", map[string]controlOperation{"GET": (*Server).controlRequests}, []string{"method", "path", "status"}},
	{"/_fake/records/{kind}", map[string]controlOperation{"GET": (*Server).controlRecords, "POST": (*Server).controlAdd}, nil},
	{"/_fake/records/{kind}/{id}", map[string]controlOperation{"PATCH": (*Server).controlChange, "DELETE": (*Server).controlDelete}, nil},
	{"/_fake/plan", map[string]controlOperation{"GET": (*Server).controlPlan, "POST": (*Server).controlSetPlan}, nil},
	{"/_fake/clock", map[string]controlOperation{"GET": (*Server).controlClock, "POST": (*Server).controlAdvance}, nil},
	{"/_fake/reset", map[string]controlOperation{"POST": (*Server).controlReset}, nil},
	{"/_fake/openapi.json", map[string]controlOperation{"GET": (*Server).controlOpenAPI}, nil},
}

// control executes a request to the control interface.
func (s *Server) control(r *http.Request, initial *snapshot) *response {
	if rejected := s.authorize(r.Header); rejected != nil {
		return rejected
	}
	path := r.URL.EscapedPath()
	i := slices.IndexFunc(controlRoutes, func(route controlRoute) bool { return matchPath(route.path, path) })
	if i < 0 {
		return errorResponse(http.StatusNotFound, "there is nothing at %s", path)
	}
	route := controlRoutes[i]
	execute := route.operations[r.Method]
	if execute == nil {
		resp := errorResponse(http.StatusMethodNotAllowed, "%s cannot be used on %s", r.Method, path)
		resp.header.Set("Allow", route.allow())
		return resp
	}
	c := &command{initial: initial}
	if problem := c.read(r, route); problem != nil {
		return problem
	}
	return execute(s, c)
}

// allow lists the methods for an Allow header.
func (route *controlRoute) allow() string {
	var allow []string
	for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
		if route.operations[method] != nil {
			allow = append(allow, method)
		}
	}
	return strings.Join(allow, ", ")
}

// read reads path, query and body. It returns an error response if they are
// invalid.
func (c *command) read(r *http.Request, route controlRoute) *response {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	if strings.Contains(route.path, "{kind}") {
		if c.kind = kindOf(segments[3]); c.kind == nil {
			return errorResponse(http.StatusNotFound, "there are no records at %s", r.URL.EscapedPath())
		}
	}
	if strings.Contains(route.path, "{id}") {
		c.id, _ = url.PathUnescape(segments[4]) // net/http rejects malformed paths
	}

	var err error
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return errorResponse(http.StatusBadRequest, "the query is malformed: %v", err)
	}
	for name, values := range c.query {
		if !slices.Contains(route.query, name) {
			return errorResponse(http.StatusBadRequest, "unknown query parameter %q", name)
		}
		if len(values) > 1 {
			return errorResponse(http.StatusBadRequest, "the query parameter %q is given more than once", name)
		}
	}

	var in arrival
	if r.Body != nil {
		if err := in.read(r.Body); err != nil {
			return errorResponse(http.StatusBadRequest, "the body did not arrive in full")
		}
	}
	if in.problem == nil && len(in.body) > 0 && (r.Method == http.MethodGet || r.Method == http.MethodDelete) {
		return errorResponse(http.StatusBadRequest, "%s takes no body", r.Method)
	}
	c.body = in.body
	return in.problem
}

// object decodes the body, an object with any names, each at most once.
func (c *command) object() (map[string]any, *response) {
	fields, problem := decode(&arrival{body: c.body})
	if problem != nil {
		return nil, problem
	}
	if err := checkNames(exact(c.body)); err != nil {
		return nil, errorResponse(http.StatusBadRequest, "%v", err)
	}
	return fields, nil
}

// decode decodes the body, an object, into the struct v.
func (c *command) decode(v any) *response {
	if _, problem := decode(&arrival{body: c.body}); problem != nil {
		return problem
	}
	if err := strict(c.body, v); err != nil {
		return errorResponse(http.StatusBadRequest, "%v", err)
	}
	return nil
}

func (s *Server) controlOpenAPI(*command) *response {
	return jsonResponse(http.StatusOK, controlDescription)
}
