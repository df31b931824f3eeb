package main

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/leedoapp/leedo-go"
)

//go:embed page.html
var html string
var page = template.Must(template.New("page").Parse(html))

// view is what the page shows.
type view struct {
	Outcome, Token, Problem string
	Params                  leedo.LeadCreateParams
	Errors                  map[string][]string // by the names of the fields
}

// respond shows what became of a form. err is the error of Create, if that was called.
func respond(w http.ResponseWriter, v view, outcome leedo.Outcome, err error) {
	status := http.StatusServiceUnavailable
	limited, isLimited := errors.AsType[*leedo.RateLimitError](err)
	rejected, isRejected := errors.AsType[*leedo.APIError](err)
	switch v.Outcome = outcome.String(); {
	case outcome == leedo.OutcomeDone:
		status = http.StatusOK
	case outcome == leedo.OutcomeUnknown:
		status = http.StatusAccepted
		if err != nil {
			slog.Error("a lead may or may not have been created", "reference", v.Token[:8], "err", err)
		}
	case isLimited:
		wait := max(time.Until(limited.RetryAt), time.Second)
		w.Header().Set("Retry-After", fmt.Sprintf("%.0f", math.Ceil(wait.Seconds())))
		v.Problem = fmt.Sprintf("Nothing was sent: we cannot take more forms at the moment. Please press Send again in %.0f min.", math.Ceil(wait.Minutes()))
	case isRejected && (rejected.StatusCode == http.StatusBadRequest || rejected.Fields != nil):
		status, v.Errors = http.StatusUnprocessableEntity, rejected.Fields
		v.Problem = "Nothing was sent. Please correct this: " + cmp.Or(rejected.Message, "the values are invalid")
	default:
		slog.Error("a lead was not created", "err", err)
		v.Problem = "Nothing was sent: our system is not available. Please try again later."
	}
	show(w, status, v)
}

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache") // Back shows the same form, with its token
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	page.Execute(w, v)
}
