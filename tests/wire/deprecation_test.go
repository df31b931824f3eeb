package wire_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// warnings returns an option that logs, and a function that returns the records at
// Warn so far, without their time.
func warnings() (leedo.Option, func() string) {
	var log bytes.Buffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return leedo.WithLogger(slog.New(handler)), log.String
}

const deprecated = `level=WARN msg="leedo: the operation is deprecated or will end" method=GET path=/leads/{id}`

func TestDeprecationAndSunsetAreLogged(t *testing.T) {
	t.Parallel()
	const (
		ends  = "Sun, 30 Jun 2024 23:59:59 GMT"
		end   = " sunset=2024-06-30T23:59:59.000Z"
		since = " deprecation=2023-06-30T23:59:59.000Z"
	)
	for _, test := range []struct {
		deprecation, sunset string
		want                string // after the text that all have; "-" means no record
	}{
		{"", "", "-"},
		{"@1688169599", "", since},
		{"", ends, end},
		{"@1688169599", ends, since + end},
		{` @1688169599 ; a="b" `, "Sunday, 30-Jun-24 23:59:59 GMT", since + end},
		{"@-1", "", " deprecation=1969-12-31T23:59:59.000Z"},
		{"@0", "", " deprecation=1970-01-01T00:00:00.000Z"},
		{"@253402300799", "", " deprecation=9999-12-31T23:59:59.000Z"},
		{"@253402300800", "", ""}, // in a year of five digits
		{"@-62135596801", "", ""}, // before the year 1
		{"true", "", ""},
		{"1688169599", "", ""},
		{"@", "soon", ""},
		{"@1.5", "1719791999", ""},
		{"@+1688169599", "", ""},
		{"@9223372036854775807", "", ""},
		{"@135536078520000000", "", ""}, // in the year 2024 if a 32-bit program asks for it
		{"@-62135596800", "", " deprecation=0001-01-01T00:00:00.000Z"},
		{"@99999999999999999999", ends, end},
		{"jane@example.com", support.Token, ""},
		{"@@1", "\xff" + strings.Repeat("x", 5000), ""},
	} {
		var header []string
		if test.deprecation != "" {
			header = append(header, "Deprecation", test.deprecation)
		}
		if test.sunset != "" {
			header = append(header, "Sunset", test.sunset)
		}
		logger, logged := warnings()
		c := support.Serve(t, support.Respond(200, support.LeadJSON, header...)).Client(t, logger)
		if _, err := c.Leads.Get(t.Context(), support.LeadID); err != nil {
			t.Fatal(err)
		}
		want := deprecated + test.want + "\n"
		if test.want == "-" {
			want = ""
		}
		if got := logged(); got != want {
			t.Errorf("Deprecation %q, Sunset %.50q: logged\n%swant\n%s", test.deprecation, test.sunset, got, want)
		}
	}
}

// Responses that are not a success, and those that are retried, announce it, too.
func TestDeprecationIsLoggedWhateverTheStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{304, 401, 404, 410, 503} {
		logger, logged := warnings()
		c := support.Serve(t, support.Respond(status, "", "Deprecation", "@1")).Client(t, logger, leedo.WithRetries(0))
		if _, err := c.Leads.Get(t.Context(), support.LeadID); err == nil {
			t.Fatalf("%d is a success", status)
		}
		if got, want := logged(), deprecated+" deprecation=1970-01-01T00:00:01.000Z\n"; got != want {
			t.Errorf("%d: logged\n%swant\n%s", status, got, want)
		}
	}
}

// A program that makes many calls, concurrently and of several operations, gets one
// record for each client.
func TestDeprecationIsLoggedOncePerClient(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(200, support.LeadJSON, "Deprecation", "@1688169599"))
	logger, logged := warnings()
	for clients := 1; clients <= 2; clients++ {
		c := s.Client(t, logger)
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if _, err := c.Leads.Get(t.Context(), support.LeadID); err != nil {
					t.Error(err)
				}
			})
			calls.Go(func() {
				if err := c.Do(t.Context(), "DELETE", "/leads", nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if got := strings.Count(logged(), "deprecated"); got != clients {
			t.Fatalf("%d records of %d clients:\n%s", got, clients, logged())
		}
	}
}

// The one record goes to a log that wants it: a call that logs nothing does not use it
// up.
func TestDeprecationWaitsForACallThatLogs(t *testing.T) {
	t.Parallel()
	var level slog.LevelVar
	level.Set(slog.LevelError)
	var log bytes.Buffer
	s := support.Serve(t, support.Respond(200, support.LeadJSON, "Deprecation", "@1688169599"))
	c := s.Client(t, leedo.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: &level}))))
	get := func(ctx context.Context) {
		t.Helper()
		if _, err := c.Leads.Get(ctx, support.LeadID); err != nil {
			t.Fatal(err)
		}
	}

	get(t.Context()) // the log has a higher level
	level.Set(slog.LevelWarn)
	var quiet context.Context
	hooked := support.NewClient(t, leedo.WithBaseURL(s.URL+"/v1"), leedo.WithHooks(leedo.Hooks{
		Attempt: func(ctx context.Context, _ leedo.AttemptInfo) { quiet = ctx },
	}))
	if _, err := hooked.Leads.Get(t.Context(), support.LeadID); err != nil {
		t.Fatal(err)
	}
	get(quiet) // a call within a hook logs nothing
	if log.Len() != 0 {
		t.Fatalf("logged %s", &log)
	}
	get(t.Context())
	get(t.Context())
	if got := strings.Count(log.String(), "deprecated"); got != 1 {
		t.Errorf("%d records:\n%s", got, &log)
	}
}

// structuredDate matches a date of RFC 9651, section 3.3.7, and what its parameters begin
// with.
var structuredDate = regexp.MustCompile(`^ *@(-?[0-9]+) *(;|$)`)

// FuzzDeprecation: whatever the headers contain, one record is logged, which has the
// dates in them and nothing else.
func FuzzDeprecation(f *testing.F) {
	for _, dates := range [][2]string{
		{"@1688169599", "Sun, 30 Jun 2024 23:59:59 GMT"},
		{"@-1;a", "Sunday, 30-Jun-24 23:59:59 GMT"},
		{"@+1", "Sun Jun 30 23:59:59 2024"},
		{` @253402300800 ;b="c"`, "Sunday, 30-Jun-24 23:59:59 EST"},
		{"@1.5", "0"},
		{"@00000000000000000001", "jane@example.com"},
		{"", "Sat, 01 Jan 0000 00:00:00 GMT"},
	} {
		f.Add(dates[0], dates[1])
	}
	f.Fuzz(func(t *testing.T, deprecation, sunset string) {
		if deprecation == "" && sunset == "" {
			return
		}
		logger, logged := warnings()
		c, _ := support.InMemory(t, []leedo.Option{logger}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Deprecation"], w.Header()["Sunset"] = []string{deprecation}, []string{sunset}
			io.WriteString(w, support.LeadJSON)
		})
		if _, err := c.Leads.Get(t.Context(), support.LeadID); err != nil {
			t.Fatal(err)
		}
		want := deprecated
		const format = "2006-01-02T15:04:05.000Z"
		if match := structuredDate.FindStringSubmatch(deprecation); match != nil {
			seconds, err := strconv.ParseInt(match[1], 10, 64)
			if at := time.Unix(seconds, 0).UTC(); err == nil && at.Year() >= 1 && at.Year() <= 9999 {
				want += " deprecation=" + at.Format(format)
			}
		}
		if at, err := http.ParseTime(sunset); err == nil {
			want += " sunset=" + at.UTC().Format(format)
		}
		if got := logged(); got != want+"\n" {
			t.Errorf("Deprecation %q, Sunset %q: logged\n%swant\n%s", deprecation, sunset, got, want)
		}
	})
}
