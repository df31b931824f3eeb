package leedo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// The example createLeadOnce leaves one lead behind, whatever goes wrong.
func TestCreateLeadOnceWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	type fault = leedotest.Fault
	const maintenancePage = "<!DOCTYPE html><title>Down for maintenance</title>"
	for name, tt := range map[string]struct {
		faults  []fault
		timeout time.Duration // of the caller's context; 0: none
		there   string        // a lead that is there before, by its address
		leads   int
		outcome leedo.Outcome
	}{
		"nothing":                    {nil, 0, "", 1, leedo.OutcomeDone},
		"cut before":                 {[]fault{{Drop: true}}, 0, "", 1, leedo.OutcomeDone},
		"cut after":                  {[]fault{{Drop: true, Processed: true}}, 0, "", 1, leedo.OutcomeDone},
		"HTML before":                {[]fault{{Status: 200, Body: maintenancePage}}, 0, "", 1, leedo.OutcomeDone},
		"HTML after":                 {[]fault{{Status: 200, Body: maintenancePage, Processed: true}}, 0, "", 1, leedo.OutcomeDone},
		"302 after":                  {[]fault{{Status: 302, Processed: true}}, 0, "", 1, leedo.OutcomeDone},
		"empty after":                {[]fault{{Status: 201, Processed: true}}, 0, "", 1, leedo.OutcomeDone},
		"JSON cut after":             {[]fault{{Truncate: 5}}, 0, "", 1, leedo.OutcomeDone},
		"400":                        {[]fault{{Status: 400}}, 0, "", 0, leedo.OutcomeNotDone},
		"deadline after":             {[]fault{{Latency: time.Hour}}, time.Second, "", 1, leedo.OutcomeDone},
		"deadline before":            {[]fault{{Latency: time.Hour, Drop: true}}, time.Second, "", 0, leedo.OutcomeUnknown},
		"ended before":               {nil, -1, "", 0, leedo.OutcomeNotDone},
		"cut, and nothing to see":    {[]fault{{Drop: true, Processed: true}, {Method: "GET", Status: 500, Times: -1}}, 0, "", 1, leedo.OutcomeUnknown},
		"empty, and nothing to see":  {[]fault{{Status: 201, Processed: true}, {Method: "GET", Status: 404, Times: -1}}, 0, "", 1, leedo.OutcomeUnknown},
		"cut, and found, but no Get": {[]fault{{Drop: true, Processed: true}, {Method: "GET", Path: "/leads/{id}", Status: 404}}, 0, "", 1, leedo.OutcomeUnknown},
		"empty, but not to be seen":  {[]fault{{Status: 201, Processed: true}, {Method: "GET", Status: 200, Body: `{"data":[],"meta":{"total":0,"page":1,"per_page":100}}`, Times: -1}}, 0, "", 1, leedo.OutcomeDone},
		"another form of it":         {[]fault{{Drop: true}}, 0, " JOHN@Example.com ", 1, leedo.OutcomeDone},
		"another lead":               {[]fault{{Drop: true}}, 0, "johnny@example.com", 2, leedo.OutcomeDone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := leedotest.NewServer()
				if tt.there != "" {
					s.AddLead(leedo.Lead{Name: "John Doe", Email: tt.there})
				}
				for _, f := range tt.faults {
					if f.Method == "" {
						f.Method = "POST"
					}
					s.Inject(f)
				}
				ctx := t.Context()
				if tt.timeout != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				lead, err := createLeadOnce(ctx, s.Client(), &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"})
				if got := leedo.OutcomeOf(err); len(s.Leads()) != tt.leads || got != tt.outcome || (lead != nil) != (err == nil) {
					t.Errorf("%d leads, %v: %v, %v", len(s.Leads()), got, lead, err)
				}
			})
		})
	}
}
