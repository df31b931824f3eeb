package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/progress"
	"github.com/spf13/cobra"
)

// quota returns the command that prints what is left of the quota.
func (p *program) quota() *cobra.Command {
	var calls uint
	cmd := p.leaf("quota", "Show what is left of the quota, with one request", cobra.NoArgs,
		func(ctx context.Context, client *leedo.Client, _ []string) error {
			_, err := client.Leads.List(ctx, &leedo.LeadListParams{PerPage: 1})
			if _, limited := errors.AsType[*leedo.RateLimitError](err); err != nil && !limited {
				return err
			}
			// A 429, too, reports what is left.
			return errors.Join(printQuota(p.stdout, client.RateLimit(), number(calls), time.Now()), err)
		})
	cmd.Flags().UintVar(&calls, "for", 0, "also show about when so many calls will be done")
	return cmd
}

func printQuota(w io.Writer, rate leedo.RateLimit, calls int, now time.Time) error {
	if rate.Limit == 0 {
		_, err := fmt.Fprintln(w, "The responses have no rate limit headers.")
		return err
	}
	reset := "unknown"
	if !rate.Reset.IsZero() {
		reset = fmt.Sprintf("%s (in %v)", clock(rate.Reset, now), rate.Reset.Sub(now).Round(time.Second))
	}
	text := fmt.Sprintf("limit  %d requests an hour\nleft   %d\nreset  %s\n", rate.Limit, rate.Remaining, reset)
	if calls > 0 {
		text += fmt.Sprintf("%s will be done %s\n", count(calls, "call"), doneAt(calls, rate, now))
	}
	_, err := io.WriteString(w, text)
	return err
}

// doneAt says about when so many calls will be done.
func doneAt(calls int, rate leedo.RateLimit, now time.Time) string {
	const century = 100 * 365 * 24 * time.Hour
	end := progress.End(calls, rate, time.Hour, now)
	switch {
	case !end.After(now):
		return "at once"
	case end.Sub(now) > century:
		return "in more than 100 years"
	}
	return "about " + clock(end, now)
}

// bulkDoneAt is doneAt for bulk calls. They leave some of the quota to others, less
// and less until nothing is left for the others after a quarter of an hour or at the
// reset: see leedo.RateLimiterOptions.
func bulkDoneAt(calls int, rate leedo.RateLimit, now time.Time) string {
	limit := float64(rate.Limit)
	reserve := max(limit*0.05, min(limit*0.1, 10))
	if !rate.Reset.IsZero() {
		reserve *= min(rate.Reset.Sub(now).Hours(), 1)
	}
	if left := rate.Remaining - calls; left >= 0 && left < int(reserve) {
		return fmt.Sprintf("within a quarter of an hour, with --wait: at first %d are reserved for interactive calls", int(reserve))
	}
	return doneAt(calls, rate, now)
}

// clock is a local time, with the day unless that is today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}
