package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/leedotest"
)

// run runs the program and checks what holds for every run: standard error ends with
// one line that begins with "leedo: " if and only if the exit code is not 0.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	code = command.Run(t.Context(), args, &out, &diagnostics)
	checkError(t, code, diagnostics.String())
	return code, out.String(), diagnostics.String()
}

func checkError(t *testing.T, code int, stderr string) {
	t.Helper()
	lines := strings.SplitAfter(stderr, "\n")
	if n := strings.Count(stderr, "leedo: "); lines[len(lines)-1] != "" || (code == 0) != (n == 0) || n > 1 ||
		n == 1 && !strings.HasPrefix(lines[len(lines)-2], "leedo: ") {
		t.Errorf("exit code %d with standard error %q", code, stderr)
	}
}

// serve makes the program use the fake, over a socket.
func serve(t *testing.T, fake *leedotest.Server) *leedotest.Server {
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	t.Setenv("LEEDO_BASE_URL", server.URL+"/v1")
	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	return fake
}

// virtual runs a test in virtual time, with the fake in place of the network.
func virtual(t *testing.T, test func(t *testing.T, fake *leedotest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake, network := leedotest.NewServer(), http.DefaultTransport
		http.DefaultTransport = fake.HTTPClient().Transport
		defer func() { http.DefaultTransport = network }()
		t.Setenv("LEEDO_BASE_URL", "")
		t.Setenv("LEEDO_API_TOKEN", fake.Token())
		test(t, fake)
	})
}

// Every command of a resource works with --fake, without a token, and the API's own
// are all there.
func TestFake(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "")
	columns := map[string]string{
		"leads":     "ID NAME EMAIL COMPANY STATUS CREATED",
		"accounts":  "ID NAME INDUSTRY WEBSITE CREATED",
		"contacts":  "ID NAME EMAIL ROLE ACCOUNT CREATED",
		"campaigns": "ID NAME STATUS LEADS CREATED",
	}
	commands := map[string]string{
		"leads": "create get list update", "accounts": "create get list", "contacts": "create list", "campaigns": "get list",
	}
	for _, resource := range slices.Sorted(maps.Keys(columns)) {
		t.Run(resource, func(t *testing.T) {
			_, help, _ := run(t, resource)
			var names []string
			for _, name := range []string{"create", "get", "list", "update"} {
				if strings.Contains(help, "\n  "+name+" ") {
					names = append(names, name)
				}
			}
			if got := strings.Join(names, " "); got != commands[resource] {
				t.Errorf("the commands are %s", got)
			}

			code, table, _ := run(t, "--fake", resource, "list")
			lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
			if code != 0 || len(lines) != 301 || strings.Join(strings.Fields(lines[0]), " ") != columns[resource] {
				t.Errorf("exit code %d, %d lines, the first %q", code, len(lines), lines[0])
			}
			if _, again, _ := run(t, "--fake", resource, "list"); again != table {
				t.Error("the records are others the second time")
			}
			if _, out, _ := run(t, "--fake", resource, "list", "--limit", "7"); strings.Count(out, "\n") != 8 {
				t.Errorf("--limit 7 prints %q", out)
			}

			code, out, _ := run(t, "--fake", resource, "list", "--limit", "150", "--json")
			records := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			var first map[string]any
			if err := json.Unmarshal([]byte(records[0]), &first); code != 0 || len(records) != 150 || err != nil {
				t.Fatalf("exit code %d, %d records, the first %q: %v", code, len(records), records[0], err)
			}
			if id, _ := first["id"].(string); !strings.HasPrefix(lines[1], id) || id == "" {
				t.Errorf("the first id is %q in JSON, the first row %q", id, lines[1])
			}
		})
	}
}

func TestGetCreateUpdate(t *testing.T) {
	at := time.Date(2025, time.October, 1, 12, 0, 0, 0, time.UTC)
	fake := serve(t, leedotest.NewServer(leedotest.WithIDs(func() string { return "new-id" })))
	fake.AddLead(leedo.Lead{ID: "a/b", Name: "Ada", Email: "ada@example.com", Phone: "+1", CreatedAt: at, UpdatedAt: at})
	fake.SetField("a/b", "score", json.Number("12345678901234567890"))

	for _, tt := range []struct {
		name, args, out string
		body            map[string]any
	}{
		{"get", "leads|get|a/b", "ID       a/b\nNAME     Ada\nEMAIL    ada@example.com\nCOMPANY  \nPHONE    +1\nSTATUS   new\n" +
			"CREATED  2025-10-01T12:00:00Z\nUPDATED  2025-10-01T12:00:00Z\n", nil},
		{"get as JSON", "leads|get|a/b|--json", `"score":12345678901234567890`, nil},
		{"list as JSON", "leads|list|--json", `"score":12345678901234567890`, nil},
		{"update", "leads|update|a/b|--set|company=A=B, C|--null|phone|--set-json|tags=[1]", "COMPANY  A=B, C\nPHONE    \n",
			map[string]any{"company": "A=B, C", "phone": nil, "tags": []any{1.0}}},
		{"update as JSON", "leads|update|a/b|--set|phone=|--json", `"tags":[1]`, map[string]any{"phone": ""}},
		{"create", "accounts|create|--set|name=Acme|--set|website=https://acme.example", "ID        new-id\nNAME      Acme\n",
			map[string]any{"name": "Acme", "website": "https://acme.example"}},
		{"create as JSON", "contacts|create|--set|name=Jane|--set-json|vip=true|--json", `"vip":true`,
			map[string]any{"name": "Jane", "vip": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, _ := run(t, strings.Split(tt.args, "|")...)
			if code != 0 || !strings.Contains(out, tt.out) {
				t.Errorf("exit code %d, %q has no %q", code, out, tt.out)
			}
			requests := fake.Requests()
			got, _ := json.Marshal(requests[len(requests)-1].JSON())
			if want, _ := json.Marshal(tt.body); !bytes.Equal(got, want) {
				t.Errorf("sent %s, want %s", got, want)
			}
		})
	}
}

// What records hold cannot control the terminal, nor break the lines of a table.
func TestTableIsPrintable(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	if _, out, _ := run(t, "leads", "list"); out != "ID  NAME  EMAIL  COMPANY  STATUS  CREATED\n" {
		t.Errorf("an empty list prints %q", out)
	}
	fake.AddLead(leedo.Lead{ID: "1", Name: "\x1b[2J\tA\nB\u202e\u009b1m\x7f", Company: "Ünï \"42\" \\ می\u200cخواهم"})
	_, out, _ := run(t, "leads", "list")
	want := `1   \x1b[2J\tA\nB\u202e\u009b1m\x7f`
	if lines := strings.Split(out, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], want) || !strings.Contains(lines[1], "Ünï \"42\" \\ می\u200cخواهم") {
		t.Errorf("got %q", out)
	}
	if _, out, _ := run(t, "leads", "get", "1"); !strings.Contains(out, want[4:]) || strings.Contains(out, "\x1b") {
		t.Errorf("got %q", out)
	}
}

func TestQuota(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	if code, out, _ := run(t, "quota"); code != 0 || out != "The responses have no rate limit headers.\n" {
		t.Errorf("without a limit: exit code %d, %q", code, out)
	}
	fake.SetRateLimit(3, time.Hour)
	for _, tt := range []struct {
		args, want string
		code       int
	}{
		{"quota", "limit  3 requests an hour\nleft   2\nreset  ", 0},
		{"quota --for 1", "1 call will be done at once\n", 0},
		{"quota --for 4", "4 calls will be done about ", 0},
		{"quota --for 18446744073709551615", "calls will be done in more than 100 years\n", command.ExitQuota},
	} {
		if code, out, _ := run(t, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit code %d, %q has no %q", tt.args, code, out, tt.want)
		}
	}
	if n := len(fake.Requests()); n != 5 {
		t.Errorf("%d requests, one each was announced", n)
	}
}

// With --wait a list goes on in the next window, and says what it waits for.
func TestWait(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		for range 150 {
			fake.AddLead(leedo.Lead{Name: "Lead"})
		}
		fake.SetRateLimit(1, time.Hour)
		code, out, _ := run(t, "leads", "list")
		if n := strings.Count(out, "\n"); code != command.ExitQuota || n != 101 {
			t.Errorf("without --wait: exit code %d and %d lines", code, n)
		}
		code, out, stderr := run(t, "leads", "list", "--wait")
		if n := strings.Count(out, "\n"); code != 0 || n != 151 || !strings.Contains(stderr, "waiting until ") {
			t.Errorf("exit code %d, %d lines, %q", code, n, stderr)
		}
	})
}

// If the API rejects a call whatever it waits for, --wait ends, and says so.
func TestWaitEnds(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		fake.Inject(leedotest.Fault{Status: 429, Times: -1})
		for _, args := range []string{"leads list", "import leads --file " + writeFile(t, "leads.csv", "name\nAda\n")} {
			code, _, stderr := run(t, append(strings.Fields(args), "--wait")...)
			if code != command.ExitQuota || !strings.Contains(stderr, "429") || !strings.HasSuffix(stderr, "; --wait gives up after ten 429s\n") {
				t.Errorf("%s: exit code %d, %q", args, code, stderr)
			}
			if code, _, stderr := run(t, strings.Fields(args)...); code != command.ExitQuota || strings.Contains(stderr, "--wait") {
				t.Errorf("%s without --wait: exit code %d, %q", args, code, stderr)
			}
		}
	})
}

// Whatever --help promises: one line, and the exit code.
func TestBadInput(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.AddLead(leedo.Lead{ID: "1", Name: "Ada"})
	const quota, unknown, usage, failed = command.ExitQuota, command.ExitUnknown, command.ExitUsage, command.ExitFailed
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"foo", usage, `unknown command "foo" for "leedo" (see leedo --help)`},
		{"--foo", usage, "unknown flag: --foo (see leedo --help)"},
		{"lead\ns", usage, `unknown command "lead\ns"`},
		{"--fo\no", usage, `unknown flag: --fo\no`},
		{"leads|foo", usage, `unknown command "foo" for "leedo leads" (see leedo leads --help)`},
		{"leads|list|x", usage, `unknown command "x" for "leedo leads list"`},
		{"leads|list|--set|a=b", usage, "unknown flag: --set"},
		{"leads|list|--limit|-1", usage, `invalid argument "-1" for "--limit"`},
		{"leads|list|--limit", usage, "flag needs an argument: --limit"},
		{"leads|get", usage, "accepts 1 arg(s), received 0"},
		{"leads|get|1|2", usage, "accepts 1 arg(s), received 2"},
		{"leads|get|", usage, "invalid argument: "},
		{"leads|get|..", usage, "invalid argument: "},
		{"leads|get|2", failed, "GET /leads/{id}: 404 not_found"},
		{"leads|create", usage, "at least one of the flags in the group [set set-json null] is required"},
		{"leads|create|--set|name", usage, "want key=value"},
		{"leads|create|--set|=x", usage, "the key is empty"},
		{"leads|create|--set-json|name=x", usage, "want key=value with a value in JSON"},
		{"leads|create|--set|name=x|--null|name", usage, "the key name is given twice"},
		{"leads|create|--set|name=x\xff", usage, "invalid argument: "},
		{"leads|create|--set|email=a@b.example", failed, "POST /leads: 400"},
		{"leads|update|1", usage, "at least one of the flags"},
		{"leads|update|--set|name=x", usage, "accepts 1 arg(s), received 0"},
		{"leads|update|2|--set|name=x", failed, "PATCH /leads/{id}: 404 not_found"},
		{"accounts|update|1|--set|name=x", usage, `unknown flag: --set`},
		{"contacts|get|1", usage, `unknown command "get" for "leedo contacts"`},
		{"campaigns|create", usage, `unknown command "create" for "leedo campaigns"`},
		{"campaigns|get|1", failed, "404"},
		{"quota|x", usage, `unknown command "x" for "leedo quota"`},
		{"quota|--for|many", usage, `invalid argument "many" for "--for"`},
	} {
		before := len(fake.Requests())
		code, _, stderr := run(t, strings.Split(tt.args, "|")...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q; want %d, %q", tt.args, code, stderr, tt.code, tt.want)
		}
		if n := len(fake.Requests()) - before; code == usage && n > 0 {
			t.Errorf("%q: sent %d requests", tt.args, n)
		}
	}
	if len(fake.Leads()) != 1 {
		t.Error("something was created")
	}

	fake.Inject(leedotest.Fault{Method: "POST", Status: 500, Processed: true}, leedotest.Fault{Method: "POST", Truncate: 5})
	for _, tt := range []struct {
		code int
		want string
	}{
		{unknown, `^leedo: POST /leads: .*\n$`},
		{failed, `^leedo: POST /leads: unusable response 201: unexpected EOF \(request req_\d+, 1 attempt\); it was done all the same\n$`},
	} {
		code, out, stderr := run(t, "leads", "create", "--set", "name=x")
		if code != tt.code || out != "" || !regexp.MustCompile(tt.want).MatchString(stderr) {
			t.Errorf("exit code %d, %q, %q; want %d, %q", code, out, stderr, tt.code, tt.want)
		}
	}

	// The quota, the token and the server are the same for every command.
	every := []string{
		"leads list", "leads list --json", "leads get 1", "leads create --set name=x", "leads update 1 --set name=x",
		"accounts list", "accounts get 1", "accounts create --set name=x", "contacts list", "contacts create --set name=x",
		"campaigns list", "campaigns get 1", "quota",
	}
	check := func(t *testing.T, what string, code int, want string) {
		t.Helper()
		for _, args := range every {
			if got, out, stderr := run(t, strings.Fields(args)...); got != code || out != "" && args != "quota" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s, %s: exit code %d, %q; want %d, %q", args, what, got, stderr, code, want)
			}
		}
	}
	fake.SetRateLimit(0, time.Hour)
	check(t, "with an exhausted quota", quota, "")
	fake.SetRateLimit(-1, 0)
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check(t, "with a wrong token", failed, "401")
	t.Setenv("LEEDO_API_TOKEN", "")
	check(t, "without a token", usage, "LEEDO_API_TOKEN is empty")
	t.Setenv("LEEDO_API_TOKEN", "token")
	t.Setenv("LEEDO_BASE_URL", "example.com")
	check(t, "with an invalid base URL", usage, "LEEDO_BASE_URL")
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	synctest.Test(t, func(t *testing.T) { // connecting is tried again for some seconds
		check(t, "with an unreachable server", failed, "connection refused (4 attempts)")
	})
}

// When the context ends, as on Ctrl-C, what has been read is printed.
func TestCanceled(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	for range 250 {
		fake.AddLead(leedo.Lead{Name: "Lead"})
	}
	ctx, cancel := context.WithCancel(t.Context())
	third := func(r leedotest.Request) bool { return r.Query.Get("page") == "3" }
	fake.Inject(leedotest.Fault{When: third, Latency: time.Minute}) // no response comes before the end of ctx is noticed
	fake.OnRequest(func(r leedotest.Request) {
		if third(r) {
			cancel()
		}
	})
	var out, stderr bytes.Buffer
	code := command.Run(ctx, []string{"leads", "list"}, &out, &stderr)
	checkError(t, code, stderr.String())
	if n := strings.Count(out.String(), "\n"); code != command.ExitFailed || n != 201 || !strings.Contains(stderr.String(), "context canceled") {
		t.Errorf("exit code %d, %d lines, %q", code, n, &stderr)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputFails(t *testing.T) {
	const done = "; it was done all the same: the record is 00000000-0000-4000-8000-00000000"
	for _, tt := range []struct{ args, want string }{
		{"leads list", ""},
		{"leads list --json", ""},
		{"leads get 00000000-0000-4000-8000-000000000002", ""},
		{"leads create --set name=x", done + "1201"},
		{"leads update 00000000-0000-4000-8000-000000000002 --set name=x --json", done + "0002"},
		{"quota", ""},
		{"import leads --file " + writeFile(t, "leads.csv", "name\nAda\n"), "; 1 row: 1 created, 0 duplicate, 0 rejected, 0 unknown, 0 not sent"},
	} {
		var stderr bytes.Buffer
		code := command.Run(t.Context(), append(strings.Fields(tt.args), "--fake"), fullDisk{}, &stderr)
		checkError(t, code, stderr.String())
		if code != command.ExitFailed || !strings.HasSuffix(stderr.String(), "no space left on device"+tt.want+"\n") {
			t.Errorf("%s: exit code %d, %q", tt.args, code, &stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"":                   "LEEDO_API_TOKEN",
		"--help":             "Exit codes",
		"leads --help":       "update",
		"leads list --help":  "--limit",
		"leads create -h":    "--set-json",
		"help quota":         "--for",
		"--version":          leedo.Version,
		"completion bash":    "complete",
		"__complete leads g": "get",
	} {
		if code, out, _ := run(t, strings.Fields(args)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%q: exit code %d, no %q in %q", args, code, want, out)
		}
	}
}
