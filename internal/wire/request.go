package wire

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is a request under construction.
type Request struct {
	Method   string
	Template string // the escaped path, with "{id}" in place of an id
	ID       string // the id, escaped
	Query    url.Values
	RawQuery string      // used instead of Query if not empty
	Header   http.Header // shared with other requests until SetHeader copies it
	Fields   []Field     // are added to the body
	Body     []byte

	owned bool // Header is not shared
}

// Reads reports whether the method only reads. All other methods are writes.
func (r *Request) Reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// Fill sets the id, if the template has a place for one.
func (r *Request) Fill(id string) (err error) {
	if strings.Contains(r.Template, "{id}") {
		r.ID, err = EscapeID(id)
	}
	return err
}

// Check returns what is wrong with the method, path, body and out of a request that
// the user composed.
func (r *Request) Check(body, out any) error {
	if !ValidMethod(r.Method) {
		r.Method = strconv.Quote(Line(r.Method))
		return errors.New("not an HTTP method in upper-case letters")
	}
	if slices.Contains(unfit, r.Method) {
		return fmt.Errorf("%s is not a method for resources", r.Method)
	}
	if body != nil && r.Reads() {
		return fmt.Errorf("a %s takes no body", r.Method)
	}
	switch body.(type) {
	case []byte, io.Reader:
		return fmt.Errorf("body of type %T (use json.RawMessage for encoded JSON)", body)
	}
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return fmt.Errorf("cannot decode into %T: not a pointer, or nil", out)
	}
	err := CheckPath(r.Template)
	if err != nil { // the template appears in the error, which must not contain a query
		shown, _, _ := strings.Cut(r.Template, "?")
		r.Template = Line(shown)
	}
	return err
}

// unfit are methods that no resource has. net/http repeats the first two on its
// own.
var unfit = []string{http.MethodOptions, http.MethodTrace, http.MethodConnect}

// Encode sets the body.
func (r *Request) Encode(body any) (err error) {
	switch v := reflect.ValueOf(body); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			return fmt.Errorf("nil %T", body)
		}
	}
	if r.Body, err = Encode(body, r.Fields); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// CheckChanges returns an error if an update changes nothing.
func (r *Request) CheckChanges() error {
	if r.Method == http.MethodPatch && string(r.Body) == "{}" {
		return errors.New("nothing to change")
	}
	return nil
}

// CheckHeader returns the name under which a user's header field is sent, or what
// is wrong with the field.
func CheckHeader(key, value string) (name string, err error) {
	name = http.CanonicalHeaderKey(key)
	switch {
	case !ValidHeaderName(key):
		return "", fmt.Errorf("invalid header name %q", Line(key))
	case !utf8.ValidString(value):
		return "", fmt.Errorf("value of header %s is not valid UTF-8", name)
	case !ValidHeaderValue(value):
		return "", fmt.Errorf("value of header %s contains control characters", name)
	case slices.Contains(reserved, name):
		return "", fmt.Errorf("header %s is set by the client", name)
	case IsIdempotencyKey(name):
		if value == "" { // a proxy might treat all such writes as the same one
			return "", fmt.Errorf("empty %s", name)
		}
		// Under the canonical name, net/http would take the key for permission to
		// send the request again when a connection is cut.
		name = strings.ToLower(name)
	}
	return name, nil
}

// IsIdempotencyKey reports whether a header field identifies one write.
func IsIdempotencyKey(name string) bool {
	return strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key")
}

// SetHeader sets a user's header field.
func (r *Request) SetHeader(key, value string) error {
	name, err := CheckHeader(key, value)
	if err != nil {
		return err
	}
	if !r.owned {
		shared := r.Header
		r.Header, r.owned = http.Header{}, true
		maps.Copy(r.Header, shared)
	}
	r.Header[name] = []string{value}
	return nil
}

// CheckQuery returns what is wrong with a user's query parameter.
func CheckQuery(key, value string) error {
	switch {
	case key == "":
		return errors.New("empty query parameter name")
	case !utf8.ValidString(key):
		return errors.New("query parameter name is not valid UTF-8")
	case !utf8.ValidString(value):
		return fmt.Errorf("query parameter %q is not valid UTF-8", shorten(key, maxPath))
	}
	return nil
}

// SetQuery sets a user's query parameter.
func (r *Request) SetQuery(key, value string) error {
	if err := CheckQuery(key, value); err != nil {
		return err
	}
	if r.Query == nil {
		r.Query = url.Values{}
	}
	r.Query.Set(key, value)
	return nil
}

// AddQuery sets parameters, replacing those of the same name.
func (r *Request) AddQuery(values url.Values) {
	if r.Query == nil && len(values) > 0 {
		r.Query = url.Values{}
	}
	maps.Copy(r.Query, values)
}

// reserved are the headers that belong to the client or to net/http.
var reserved = []string{"Authorization", "Host", "Accept-Encoding", "Content-Length", "Transfer-Encoding", "Te", "Trailer",
	"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Expect"}

// AddField adds a field to the body.
func (r *Request) AddField(key string, value any) error {
	if key == "" {
		return errors.New("empty field name")
	}
	if r.Reads() {
		return fmt.Errorf("a %s takes no body", r.Method)
	}
	field, err := NewField(key, value)
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	r.Fields = append(r.Fields, field)
	return nil
}

// URL returns the URL of the request: base with the path, which [CheckPath] has
// checked.
func (r *Request) URL(base *url.URL) *url.URL {
	before, after, _ := strings.Cut(r.Template, "{id}")
	u := *base
	u.RawPath = base.RawPath + before + r.ID + after
	if u.Path = u.RawPath; strings.Contains(u.RawPath, "%") {
		u.Path, _ = url.PathUnescape(u.RawPath) // CheckPath has checked that it can be unescaped
	}
	if u.RawQuery = r.RawQuery; u.RawQuery == "" {
		u.RawQuery = r.Query.Encode()
	}
	return &u
}
