package leedootel

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/leedoapp/leedo-go"
)

// ownTemplates are the templates of the paths of package leedo's services. Other paths
// come from the program, and may contain an id.
var ownTemplates = []string{
	"/accounts", "/accounts/{id}", "/campaigns", "/campaigns/{id}", "/contacts", "/leads", "/leads/{id}",
}

// template returns the template that path is or matches, or "" if it matches no template.
func (c *config) template(path string) string {
	if slices.Contains(c.templates, path) {
		return path
	}
	segments := strings.Split(path, "/")
	for _, template := range c.templates {
		if slices.EqualFunc(strings.Split(template, "/"), segments, matches) {
			return template
		}
	}
	return ""
}

func matches(pattern, segment string) bool {
	return pattern == segment || strings.HasPrefix(pattern, "{") && strings.HasSuffix(pattern, "}") && segment != ""
}

// requestMethod returns the attribute of a method: one of those that the semantic
// conventions know, or another.
func requestMethod(method string) attribute.KeyValue {
	switch method {
	case "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE":
		return semconv.HTTPRequestMethodKey.String(method)
	}
	return semconv.HTTPRequestMethodOther
}

// other is the error.type of all errors without one of their own.
var other = semconv.ErrorTypeOther.Value.AsString()

// attemptError returns the error.type of an attempt without a complete response, by its
// error, or of an exchange.
func attemptError(err error) string {
	network, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "context.Canceled"
	case ok && network.Timeout():
		return "timeout"
	case isA[*net.DNSError](err):
		return "net.DNSError"
	case isA[*tls.CertificateVerificationError](err):
		return "tls.CertificateVerificationError"
	case isA[*net.OpError](err):
		return "net.OpError"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "io.ErrUnexpectedEOF"
	}
	return other
}

// callError returns the error.type of a call.
func callError(err error) string {
	switch {
	case isA[*leedo.UnknownOutcomeError](err):
		return "leedo.UnknownOutcomeError"
	case errors.Is(err, leedo.ErrInvalidArgument):
		return "leedo.ErrInvalidArgument"
	case errors.Is(err, context.Canceled):
		return "context.Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "context.DeadlineExceeded"
	case isA[*leedo.RateLimitError](err):
		return "leedo.RateLimitError"
	case isA[*leedo.DecodeError](err):
		return "leedo.DecodeError"
	case isA[*leedo.TransportError](err):
		return "leedo.TransportError"
	}
	if api, ok := errors.AsType[*leedo.APIError](err); ok {
		return strconv.Itoa(api.StatusCode)
	}
	return other
}

// isA reports whether err is or wraps an E.
func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
