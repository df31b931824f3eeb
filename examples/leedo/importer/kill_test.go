package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

var (
	killRows = flag.Int("kill.rows", 160, "rows that TestKilled imports")
	kills    = flag.Int("kill.times", 6, "how often TestKilled kills the import")
	killSeed = flag.Uint64("kill.seed", 0, "what TestKilled throws its dice with; 0: the time")
)

// In a process that TestKilled has started, the test binary is an importer.
func TestMain(m *testing.M) {
	if file := os.Getenv("IMPORTER_TEST_FILE"); file != "" {
		os.Exit(child(file))
	}
	os.Exit(m.Run())
}

func child(file string) int {
	client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(HTTPClient(nil)), leedo.WithBackoff(time.Millisecond, 20*time.Millisecond))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	summary, err := Run(context.Background(), Options{
		Client: client, Resource: "leads", File: file, Map: map[string]string{"Full Name": "name"}, Extra: map[string]string{"Lead Score": "score"},
		Result: file + ".result", Failed: file + ".failed", Wait: true, AttemptTimeout: 4 * time.Second, LookAfter: 4 * time.Second,
	})
	fmt.Fprintf(os.Stderr, "%+v %v\n", summary, err)
	if err != nil || summary.NotSent > 0 { // a row can meet with three failures in a row
		return 1
	}
	return 0
}

// made is a file of leads and what is to become of each line.
type made struct {
	content []byte
	want    map[int]string    // line → outcome
	name    map[int]string    // line → name
	phone   map[string]string // name → phone
}

// makeLeads makes a file of n rows; 2 % are duplicates, 1 % bad.
func makeLeads(n int) made {
	m := made{want: map[int]string{}, name: map[int]string{}, phone: map[string]string{}}
	var out bytes.Buffer
	out.WriteString("\ufeff")
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	w.Write([]string{"Full Name", "E-Mail", "company", "Phone", "Lead Score", "notes"})
	names := []string{"Ann %d", "李雷 %d", "Ольга %d", "محمد %d", "Zoë, %d", `the "%d"`, "two\nlines %d"}
	line := 2
	for i := range n {
		name := fmt.Sprintf(names[i%len(names)], i)
		phone := fmt.Sprintf("+49 %d", i)
		record := []string{name, fmt.Sprintf(" Lead%d@Example.com", i), "Acme, \"Inc.\"", phone, strconv.Itoa(i), "a\nb"}
		outcome := created
		switch {
		case i%50 == 40:
			record[1], outcome = fmt.Sprintf("lead%d@example.com", i-7), duplicate
		case i%100 == 60:
			record[i/100%2], outcome = []string{"", "not an address"}[i/100%2], rejected
		case i%10 == 5:
			record[1] = "" // recognized by its name
		case i%10 == 7:
			record[0], record[1] = "John Smith", "" // by its name and its phone
		}
		m.want[line], m.name[line] = outcome, record[0]
		if outcome == created {
			m.phone[record[0]+phone] = phone
		}
		w.Write(record)
		w.Flush()
		line = 1 + bytes.Count(out.Bytes(), []byte("\n"))
	}
	m.content = out.Bytes()
	return m
}

// trouble stands between the importer and the server and breaks every seventh
// request or so. It says when an import is to be killed.
type trouble struct {
	target string // where the server is

	mu    sync.Mutex
	dice  *rand.Rand
	until int       // how many requests from now the import is killed
	kill  chan bool // receives when that is
	seen  map[string]int
}

func (p *trouble) throw(name string) (int, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[name]++
	if p.until--; p.until == 0 {
		p.kill <- true
	}
	return p.dice.IntN(100), time.Duration(p.dice.IntN(10)) * time.Millisecond
}

func (p *trouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	die, latency := p.throw(r.Method)
	time.Sleep(latency) // the import may be killed meanwhile
	if r.Method == "GET" && die >= 4 {
		die = 99
	}
	if die < 2 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if die < 4 {
		panic(http.ErrAbortHandler) // cuts the connection
	}
	if die < 7 {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	// A request is processed even if the process that sent it is dead by now.
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header = r.Header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	content, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	if die < 10 {
		panic(http.ErrAbortHandler)
	}
	if die < 13 {
		w.Header().Del("Content-Length")
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(resp.StatusCode)
	if die < 16 {
		w.Write(content[:len(content)/(die-11)])
		panic(http.ErrAbortHandler)
	}
	w.Write(content)
}

// fakeserver starts examples/fakeserver and returns its base URL.
func fakeserver(t *testing.T, args ...string) string {
	binary := filepath.Join(t.TempDir(), "fakeserver")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/leedoapp/leedo-go/examples/fakeserver").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

// A process that is killed again and again, with a server that fails in every way
// and a small quota, still creates every record, and each once.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-kill.seed %d", seed)
	base := fakeserver(t, "-token", "test-token", "-limit", "200", "-window", "1500ms")
	p := &trouble{target: strings.TrimSuffix(base, "/v1"), dice: rand.New(rand.NewPCG(seed, 0)), kill: make(chan bool, 1), seen: map[string]int{}}
	proxy := httptest.NewServer(p)
	t.Cleanup(proxy.Close)
	proxy.Config.ErrorLog = nil

	leads := makeLeads(*killRows)
	file := filepath.Join(t.TempDir(), "leads.csv")
	if err := os.WriteFile(file, leads.content, 0o600); err != nil {
		t.Fatal(err)
	}
	killed, starts := 0, 0
	for finished := false; !finished; starts++ {
		if starts > 4**kills {
			t.Fatal("the import does not come to an end")
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "IMPORTER_TEST_FILE="+file, "LEEDO_API_TOKEN=test-token", "LEEDO_BASE_URL="+proxy.URL+"/v1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p.mu.Lock()
		if killed < *kills {
			p.until = 1 + p.dice.IntN(1 + *killRows / *kills)
		}
		delay := time.Duration(p.dice.IntN(8000)) * time.Microsecond
		p.mu.Unlock()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-p.kill:
			time.Sleep(delay)
			cmd.Process.Kill()
			<-ended
			killed++
		case err := <-ended:
			t.Logf("start %d: %v: %s", starts+1, err, stderr.String())
			finished = err == nil
		}
	}
	t.Logf("killed %d times, requests: %v", killed, p.seen)
	if killed < *kills {
		t.Errorf("killed %d times only", killed)
	}
	leads.check(t, base, file)
}

// check compares what the server holds and the result with what they should be.
func (m made) check(t *testing.T, base, file string) {
	client, err := leedo.NewClient("test-token", leedo.WithBaseURL(base))
	if err != nil {
		t.Fatal(err)
	}
	byID, held := map[string]string{}, map[string]int{}
	for l, err := range client.Leads.All(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		lead, err := client.Leads.Get(t.Context(), l.ID)
		if err != nil {
			t.Fatal(err)
		}
		byID[l.ID] = lead.Name
		held[lead.Name+lead.Phone]++
	}
	for person := range m.phone {
		if held[person] != 1 {
			t.Errorf("%q is there %d times", person, held[person])
		}
		delete(held, person)
	}
	if len(held) > 0 {
		t.Errorf("there are others: %v", held)
	}
	content, err := os.ReadFile(file + ".result")
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	before := 1
	for _, record := range records[1:] {
		line, _ := strconv.Atoi(record[0])
		if m.want[line] != record[1] || line <= before {
			t.Errorf("line %d: %v, want %s", line, record, m.want[line])
		}
		before = line
		if record[1] != created {
			continue
		}
		if byID[record[2]] != m.name[line] {
			t.Errorf("line %d: its id belongs to %q, not %q", line, byID[record[2]], m.name[line])
		}
		delete(byID, record[2])
	}
	if len(records)-1 != len(m.want) || len(byID) > 0 {
		t.Errorf("%d records for %d rows, %d ids are in none", len(records)-1, len(m.want), len(byID))
	}
}
