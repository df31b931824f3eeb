package retry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// turn is what becomes of one attempt at a write.
type turn struct {
	name   string
	sent   bool   // the transport reads the body
	status int    // 0: an error
	body   string // with a '~' at its end: it is cut there
	ends   int    // the caller's context: 0 goes on, 1 ends in the attempt, 2 right after it
	may    bool   // the write may have been done, for all that is known
	done   bool   // the response says so
}

var turns = []turn{
	{"not sent", false, 0, "", 0, false, false},
	{"not sent, context ends", false, 0, "", 1, false, false},
	{"not sent, context ends after", false, 0, "", 2, false, false},
	{"cut", true, 0, "", 0, true, false},
	{"cut, context ends", true, 0, "", 1, true, false},
	{"cut, context ends after", true, 0, "", 2, true, false},
	{"400", true, 400, "{}", 0, false, false},
	{"307", true, 307, "", 0, false, false},
	{"302", true, 302, "", 0, true, false},
	{"429", true, 429, "", 0, false, false},
	{"429, context ends after", true, 429, "", 2, false, false},
	{"503", true, 503, "", 0, true, false},
	{"503, context ends after", true, 503, "", 2, true, false},
	{"201", true, 201, `{"id":"new-1"}`, 0, true, true},
	{"201, empty", true, 201, "", 0, true, true},
	{"201, cut", true, 201, `{"id~`, 0, true, true},
	{"201, cut, context ends", true, 201, `{"id~`, 1, true, true},
	{"201, cut, context ends after", true, 201, `{"id~`, 2, true, true},
	{"201, HTML", true, 201, "<html>", 0, true, false},
	{"201, HTML, cut", true, 201, "<html~", 0, true, false},
	{"201, HTML, cut, context ends after", true, 201, "<html~", 2, true, false},
	{"201, failed", true, 201, `{"success":false}`, 0, true, false},
}

// give does what the turn says.
func (f *turn) give(req *http.Request, cancel func()) (*http.Response, error) {
	if f.sent {
		io.Copy(io.Discard, req.Body)
	}
	if f.ends == 2 {
		time.AfterFunc(time.Nanosecond, cancel)
	}
	if f.status == 0 {
		if f.ends == 1 {
			cancel()
		}
		return nil, errors.New("broken")
	}
	text, cut := strings.CutSuffix(f.body, "~")
	body := io.Reader(strings.NewReader(text))
	if cut {
		body = io.MultiReader(body, readFunc(func([]byte) (int, error) {
			if f.ends == 1 {
				cancel()
			}
			return 0, io.ErrUnexpectedEOF
		}))
	}
	header := http.Header{"Retry-After": {"1"}, "Location": {"/v1/moved"}}
	if f.status == 201 {
		header = nil
	}
	return &http.Response{StatusCode: f.status, Header: header, Body: io.NopCloser(body)}, nil
}

// Covers every path of a write through up to three attempts, with what can end
// it between them. A write that may have been done is never reported as not
// done, one that cannot have been done always is, and done is reported only if
// a response says so.
func TestOutcomeOfEveryPath(t *testing.T) {
	t.Parallel()
	paths, outcomes := 0, map[leedo.Outcome]int{}
	synctest.Test(t, func(t *testing.T) {
		var follow func(path []*turn, idempotent bool, stop string)
		follow = func(path []*turn, idempotent bool, stop string) {
			for i := range turns {
				longer := append(path[:len(path):len(path)], &turns[i])
				attempts, err := takePath(t, longer, idempotent, stop)
				if attempts > len(longer) && len(longer) < 3 { // the path goes on
					follow(longer, idempotent, stop)
					continue
				}
				paths++
				outcomes[leedo.OutcomeOf(err)]++
			}
		}
		for _, idempotent := range []bool{false, true} {
			for _, stop := range []string{"", "no wait", "no token"} {
				follow(nil, idempotent, stop)
			}
		}
	})
	t.Logf("%d paths: %v", paths, outcomes)
	if len(outcomes) != 3 || paths < 1000 {
		t.Error("too few to show anything")
	}
}

// takePath makes one write, judges its error, and returns how many attempts it
// made: one more than path has if the path goes on.
func takePath(t *testing.T, path []*turn, idempotent bool, stop string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, may, done := 0, false, false
	var names []string
	transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if n++; n > len(path) {
			return support.ResponseTo(req, support.Respond(400, "")), nil
		}
		f := path[n-1]
		names, may, done = append(names, f.name), may || f.may, done || f.done
		return f.give(req, cancel)
	})
	opts := []leedo.RequestOption{leedo.WithRetries(2)}
	if idempotent {
		opts = append(opts, leedo.WithIdempotent())
	}
	if stop == "no wait" {
		opts = append(opts, leedo.WithMaxWait(0))
	}
	asked := 0
	client, err := leedo.NewClient("", leedo.WithHTTPClient(&http.Client{Transport: transport}), leedo.WithBackoff(time.Second, time.Second),
		leedo.WithTokenSource(func(context.Context) (string, error) {
			if asked++; asked > 1 && stop == "no token" {
				return "", errors.New("no token left")
			}
			return support.Token, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	err = support.Create(ctx, client, opts...)
	got := leedo.OutcomeOf(err)
	var want string
	switch {
	case got == leedo.OutcomeNotDone && may:
		want = "it may have been done"
	case got == leedo.OutcomeDone && !done:
		want = "nothing says that it was"
	case got != leedo.OutcomeNotDone && !may:
		want = "it cannot have been done"
	case got != leedo.OutcomeDone && done && !idempotent:
		want = "it was done"
	}
	if want != "" {
		t.Errorf("%q, idempotent %v, %s: %v, but %s: %v", names, idempotent, stop, got, want, err)
	}
	return n, err
}
