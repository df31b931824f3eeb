package probe

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
	"github.com/leedoapp/leedo-go/leedotest"
)

// world is a fake with random options and, around it, a random difference from the
// fake that no option makes.
type world struct {
	fake     *leedotest.Server
	random   *rand.Rand
	describe []string
	truth    map[string][]string // the results that are right; without one the question cannot be settled

	limit     int // 0 means no limit
	algorithm string
	counted   bool
	busy      bool // others use the token

	records                   map[string]int // of each resource
	largest, usual            int            // pages
	rejectLarge, defaultLarge bool
	lies                      bool // meta echoes per_page
	total, beyond, errors     string
	requestID                 string
	free404                   bool
	hard                      bool // askLargest may be too hard
	latency, skew             time.Duration
	rate                      http.Header // of the latest response
}

func (w *world) note(format string, args ...any) {
	w.describe = append(w.describe, fmt.Sprintf(format, args...))
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

func pick[T any](w *world, values ...T) T { return values[w.random.IntN(len(values))] }

func (w *world) right(question string, results ...string) { w.truth[question] = results }

// newWorld returns a random world. It must be called in a synctest bubble, whose clock
// it moves.
func newWorld(seed uint64, twists bool) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 17)), truth: make(map[string][]string), records: make(map[string]int), largest: 100, usual: 20}
	time.Sleep(time.Duration(w.random.Int64N(int64(3 * time.Hour))))
	w.latency = time.Duration(w.random.Int64N(int64(200 * time.Millisecond)))
	w.options()
	w.addRecords(twists)
	if twists {
		w.twist()
	}
	w.expectLists()
	w.use()
	return w
}

// options makes the fake, with random options.
func (w *world) options() {
	var opts []leedotest.ServerOption
	w.limit = pick(w, 0, 100, 100, 500, 5000, 60+w.random.IntN(140))
	if w.limit > 0 {
		opts = append(opts, leedotest.WithPlan(leedotest.Plan(w.limit)))
		w.right(askLimit, strconv.Itoa(w.limit))
	} else {
		w.right(askLimit, "no rate limit headers")
	}
	format := w.random.IntN(5)
	opts = append(opts, leedotest.WithResetFormat(leedotest.ResetFormat(format)))
	w.right(askReset, []string{epochSeconds, epochMilliseconds, deltaSeconds, httpDate, rfc3339}[format])
	if w.limit == 0 {
		w.right(askReset, "not sent")
	}
	algorithm := w.random.IntN(4)
	opts = append(opts, leedotest.WithAlgorithm(leedotest.Algorithm(algorithm)))
	w.algorithm = []string{fixedWindow, slidingLog, slidingCounter, tokenBucket}[algorithm]
	retry := w.random.IntN(3)
	opts = append(opts, leedotest.WithRetryAfter(leedotest.RetryAfterFormat(retry)))
	if w.limit > 0 {
		w.right(askAlgorithm, w.algorithm)
		w.right(askRetryAfter, []string{deltaSeconds, httpDate, "not sent"}[retry])
		w.right(askCost404, "yes")
		w.right(askCost429, "no")
	}
	if w.counted = w.chance(0.5); w.counted {
		opts = append(opts, leedotest.WithCountedRefusals())
		if w.limit > 0 {
			w.right(askCost429, "yes")
		}
	}
	w.right(askKey, "ignored")
	w.right(askCreate, "201")
	w.right(askUpdate, "200")
	w.right(askUnset, "null")
	w.right(askNull, "clears the field: null")
	w.right(askEmpty, "rejected with 400")
	w.right(askCustom, "stored")
	w.right(askListed, "at once, on the first page")
	if w.chance(0.5) {
		opts = append(opts, leedotest.WithIdempotencyKeys())
		w.right(askKey, "honored")
	}
	skew := pick(w, 0, 0, time.Duration(w.random.Int64N(7200)-3600)*time.Second, time.Duration(w.random.Int64N(int64(2*time.Hour))-int64(time.Hour)))
	opts = append(opts, leedotest.WithClockSkew(skew))
	w.skew = skew
	w.right(askSkew, skewText(skew.Truncate(time.Second)), skewText(skew.Round(time.Second)), skewText(-(-skew).Truncate(time.Second)),
		skewText((skew + time.Second/2).Round(time.Second)), skewText((skew - time.Second/2).Round(time.Second)))
	w.right(askIDs, "UUIDs")
	if w.chance(0.2) {
		last := 0
		opts = append(opts, leedotest.WithIDs(func() string { last++; return fmt.Sprintf("id/%d", last) }))
		w.right(askIDs, "texts that are no UUIDs")
	}
	if w.chance(0.3) {
		opts = append(opts, leedotest.WithRecentRequests(10))
	}
	w.right(askRequestID, "X-Request-Id")
	w.note("limit %d, reset %d, %s, retry %d, counted %v, skew %v, latency %v", w.limit, format, w.algorithm, retry, w.counted, skew, w.latency)
	w.fake = leedotest.NewServer(opts...)
}

// addRecords fills the fake, newest first or in another order.
func (w *world) addRecords(twists bool) {
	order := "newest first"
	if twists {
		order = pick(w, order, order, "oldest first", "not by created_at")
	}
	most := 0
	for _, n := range crm.Resources {
		count := pick(w, 0, 1, 3+w.random.IntN(10), 20+w.random.IntN(100), 100+w.random.IntN(60))
		w.records[n.Name] = count
		most = max(most, count)
		start := time.Date(2025, time.March, 1, 0, 0, 0, 0, time.UTC)
		for i := range count {
			at := start.Add(time.Duration(i) * time.Hour)
			switch order {
			case "oldest first":
				at = start.Add(-time.Duration(i) * time.Hour)
			case "not by created_at":
				at = start.Add(time.Duration(w.random.IntN(1e6)) * time.Second)
			}
			switch n.Name {
			case "leads":
				w.fake.AddLead(leedo.Lead{Name: "Secret Name", Email: "secret@example.com", Phone: "+1secret", CreatedAt: at})
			case "accounts":
				w.fake.AddAccount(leedo.Account{Name: "Secret Name", CreatedAt: at})
			case "contacts":
				w.fake.AddContact(leedo.Contact{Name: "Secret Name", CreatedAt: at})
			case "campaigns":
				w.fake.AddCampaign(leedo.Campaign{Name: "Secret Name", CreatedAt: at})
			}
		}
	}
	if most >= enough {
		w.right(askOrder, order)
	}
	w.note("%v, %s", w.records, order)
}

// twist makes the server differ from the fake.
func (w *world) twist() {
	w.largest = pick(w, 100, 100, 50, 37, 99)
	w.usual = pick(w, 20, 20, 10, 25)
	switch {
	case w.chance(0.15):
		w.rejectLarge = true
	case w.chance(0.15):
		w.defaultLarge = true
	case w.chance(0.15):
		w.lies = true
	}
	w.total = pick(w, "", "", "", "", "page", "capped", "more")
	if w.total == "capped" && slices.Max(slices.Collect(maps.Values(w.records))) < 60 {
		w.total = "" // no list is clearly longer
	}
	w.beyond = pick(w, "", "", "404", "null", "last")
	w.errors = pick(w, "", "", `{"error":"secret text"}`, `{"message":"secret text"}`, `{"errors":[{"field":"id"}]}`, "secret text", "<html>secret</html>", "-")
	w.requestID = pick(w, "X-Request-Id", "X-Request-Id", "X-Correlation-Id", noRequestID)
	w.right(askRequestID, w.requestID)
	w.free404 = w.limit > 0 && w.algorithm != tokenBucket && w.chance(0.4)
	if w.free404 {
		w.right(askCost404, "no")
	}
	w.note("largest %d (reject %v, default %v, lies %v), usual %d, total %q, beyond %q, errors %q, id %s, free %v",
		w.largest, w.rejectLarge, w.defaultLarge, w.lies, w.usual, w.total, w.beyond, w.errors, w.requestID, w.free404)
}

// expectLists says what is right about lists.
func (w *world) expectLists() {
	most := slices.Max(slices.Collect(maps.Values(w.records)))
	shapes := map[string]string{
		"": `{"error":{"code":text,"message":text}}`, `{"error":"secret text"}`: `{"error":text}`, `{"message":"secret text"}`: `{"message":text}`,
		`{"errors":[{"field":"id"}]}`: `{"errors":[{"field":text}]}`, "secret text": "plain text", "<html>secret</html>": "HTML", "-": "empty",
	}
	w.right(askErrors, shapes[w.errors])
	w.right(askDefault, strconv.Itoa(w.usual))
	w.right(askBadPage, "rejected with 400")
	w.right(askPath, "404")
	if w.records["leads"] > 0 {
		w.right(askQuery, "ignored")
	}
	if most > 0 {
		w.right(askTimes, "RFC 3339 in UTC")
	} else {
		delete(w.truth, askIDs)
	}
	for name, text := range map[string]string{
		"leads":     "company, created_at, email, id, name, status; lacking phone, updated_at",
		"accounts":  "created_at, id, industry, name, website; lacking updated_at",
		"contacts":  "account_id, created_at, email, id, name, role",
		"campaigns": "created_at, id, leads_count, name, status; lacking updated_at",
	} {
		if w.records[name] > 0 {
			w.right(askFields+name, text)
		}
	}
	if most < 2 {
		return
	}
	w.right(askPaging, pagingWorks)
	switch w.total {
	case "page":
		w.right(askTotal, "the items of the page")
		return
	case "more":
		if w.beyond != "404" { // the last page by total may just be out of reach
			w.right(askTotal, "more than the list has")
		}
		return
	case "capped":
		w.right(askTotal, totalEnds)
	default:
		w.right(askTotal, totalAll)
		w.right(askBeyond, map[string]string{
			"": "200 with no items", "404": "404", "null": "200 with data null", "last": "200 with the items of the last page",
		}[w.beyond])
	}
	w.right(askLargest, strconv.Itoa(w.largest))
	w.hard = w.lies && (most <= w.largest || w.total == "capped")
}

// use makes requests before the probe, and prepares what happens meanwhile.
func (w *world) use() {
	client := w.fake.Client(leedo.WithoutRateLimiter(), leedo.WithRetries(0))
	before := 0
	if w.limit > 0 && w.chance(0.5) {
		before = w.random.IntN(w.limit - MaxRequests)
		if w.limit > 1000 {
			before = w.random.IntN(300)
		}
	}
	for range before {
		client.Leads.Get(context.Background(), "none")
		time.Sleep(time.Duration(w.random.Int64N(int64(20 * time.Second))))
	}
	w.note("%d requests before", before)
	if w.chance(0.2) {
		w.busy = true
		w.note("busy")
		inside := false
		w.fake.OnRequest(func(leedotest.Request) {
			if !inside && w.chance(0.1) {
				inside = true
				client.Leads.List(context.Background(), &leedo.LeadListParams{PerPage: 1})
				inside = false
			}
		})
	}
	if w.chance(0.3) {
		w.note("faults")
		fault := func(f leedotest.Fault) leedotest.Fault {
			f.Times, f.When = -1, func(leedotest.Request) bool { return w.chance(0.015) }
			return f
		}
		w.fake.Inject(
			fault(leedotest.Fault{Status: 500}), fault(leedotest.Fault{Status: 503, Body: "<html>unavailable</html>"}), fault(leedotest.Fault{Drop: true}),
			fault(leedotest.Fault{Drop: true, Processed: true}), fault(leedotest.Fault{Truncate: 20}), fault(leedotest.Fault{Latency: 2 * time.Second}),
			fault(leedotest.Fault{Status: 400, Body: "odd"}),
		)
	}
}
