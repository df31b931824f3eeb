package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// settings holds the values of the command line flags.
type settings struct {
	addr    string
	token   string
	plan    leedotest.Plan
	limited bool // whether limit and window replace the plan
	limit   int
	window  time.Duration
	seed    int

	algorithm leedotest.Algorithm
	latency   time.Duration
	faults    []leedotest.Fault
}

// plans are the values of -plan.
var plans = map[string]leedotest.Plan{
	"free": leedotest.Free,
	"duo":  leedotest.Duo,
	"pro":  leedotest.Pro,
	"none": -1,
}

// algorithms are the values of -algorithm.
var algorithms = map[string]leedotest.Algorithm{
	"fixed-window":    leedotest.FixedWindow,
	"sliding-log":     leedotest.SlidingLog,
	"sliding-counter": leedotest.SlidingCounter,
	"token-bucket":    leedotest.TokenBucket,
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("fakeserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; without a host, 127.0.0.1; port 0 picks a free one")
	flags.StringVar(&s.token, "token", leedotest.NewServer().Token(), "the API `token` to accept")
	plan := flags.String("plan", "free", "the rate limit of a `plan`: free (100 requests an hour), duo (500), pro (5,000) or none")
	flags.IntVar(&s.limit, "limit", 0, "`requests` per window, instead of the plan's; 0 rejects all")
	flags.DurationVar(&s.window, "window", time.Hour, "the `duration` of a rate limit window")
	flags.IntVar(&s.seed, "seed", 0, "the `number` of leads, and of accounts, contacts and campaigns, to start with")
	algorithm := flags.String("algorithm", "fixed-window", "`how` requests are counted: fixed-window, sliding-log, sliding-counter or token-bucket")
	flags.DurationVar(&s.latency, "latency", 0, "the `duration` by which each response is delayed, after its request is executed")
	flags.Func("fault", "a `fault`, such as 'POST /leads status=500 processed chance=0.1 times=3'; can be repeated", func(text string) error {
		fault, err := parseFault(text)
		s.faults = append(s.faults, fault)
		return err
	})
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, errUsage
	}

	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var known bool
	s.plan, known = plans[*plan]
	var counts bool
	s.algorithm, counts = algorithms[*algorithm]
	host, port, badAddr := net.SplitHostPort(s.addr)
	if !given["limit"] {
		s.limit = int(s.plan)
	}
	s.limited = given["limit"] || given["window"]
	_, badToken := leedo.NewClient(s.token)
	var problem string
	switch {
	case flags.NArg() > 0:
		problem = fmt.Sprintf("unexpected argument %q", flags.Arg(0))
	case !known:
		problem = fmt.Sprintf("invalid value %q for flag -plan: free, duo, pro or none", *plan)
	case badAddr != nil || port == "":
		problem = fmt.Sprintf("invalid value %q for flag -addr: host:port, or :port for 127.0.0.1", s.addr)
	case badToken != nil:
		problem = "invalid value for flag -token: " + strings.TrimPrefix(badToken.Error(), "leedo: invalid argument: ")
	case given["limit"] && s.limit < 0:
		problem = "invalid value for flag -limit: negative; use -plan none for no limit"
	case s.window <= 0:
		problem = "invalid value for flag -window: not positive"
	case given["window"] && s.limit < 0:
		problem = "invalid value for flag -window: there is no limit; set -limit or another -plan"
	case !counts:
		problem = fmt.Sprintf("invalid value %q for flag -algorithm: fixed-window, sliding-log, sliding-counter or token-bucket", *algorithm)
	case s.latency < 0:
		problem = "invalid value for flag -latency: negative"
	case s.seed < 0:
		problem = "invalid value for flag -seed: negative"
	default:
		s.addr = net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port)
		return s, nil
	}
	fmt.Fprintln(stderr, problem)
	flags.Usage()
	return s, errUsage
}

// parseFault reads a fault: a method and a path, both optional, then fields as
// name=value or, if they are true or false, as name. The names are those of POST
// /_fake/faults.
func parseFault(text string) (leedotest.Fault, error) {
	fields := map[string]any{}
	for word := range strings.FieldsSeq(text) {
		name, value, assigned := strings.Cut(word, "=")
		var field any = value
		switch {
		case strings.HasPrefix(word, "/"):
			name, field = "path", word
		case !assigned && word == strings.ToUpper(word):
			name, field = "method", word
		case !assigned:
			field = true
		case name != "body" && name != "latency" && json.Valid([]byte(value)): // a number
			field = json.RawMessage(value)
		}
		if _, given := fields[name]; given {
			return leedotest.Fault{}, fmt.Errorf("%s is given twice", name)
		}
		fields[name] = field
	}
	object, err := json.Marshal(fields)
	if err != nil {
		return leedotest.Fault{}, err
	}
	var fault leedotest.Fault
	err = fault.UnmarshalJSON(object)
	return fault, err
}

// seed adds n made-up records of each kind, numbered from the oldest, 1, to the newest,
// n.
func seed(fake *leedotest.Server, n int) {
	industries := []string{"Technology", "Retail", "Health", "Energy"}
	statuses := []leedo.LeadStatus{leedo.LeadStatusNew, leedo.LeadStatusQualified}
	start := time.Now().Truncate(time.Second).Add(-time.Duration(n) * time.Minute)
	for i := 1; i <= n; i++ {
		at := start.Add(time.Duration(i) * time.Minute)
		fake.AddLead(leedo.Lead{
			Name: fmt.Sprintf("Lead %d", i), Email: fmt.Sprintf("lead%d@example.com", i),
			Company: fmt.Sprintf("Company %d", i), Phone: fmt.Sprintf("+1555%07d", i),
			Status: statuses[i%len(statuses)], CreatedAt: at,
		})
		account := fake.AddAccount(leedo.Account{
			Name: fmt.Sprintf("Account %d", i), Industry: industries[i%len(industries)],
			Website: fmt.Sprintf("https://example.com/%d", i), CreatedAt: at,
		})
		fake.AddContact(leedo.Contact{
			Name: fmt.Sprintf("Contact %d", i), Email: fmt.Sprintf("contact%d@example.com", i),
			Role: "Product Manager", AccountID: account.ID, CreatedAt: at,
		})
		fake.AddCampaign(leedo.Campaign{Name: fmt.Sprintf("Campaign %d", i), LeadsCount: i, CreatedAt: at})
	}
}
