package exporter_test

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

var (
	killed      = flag.Int("kill.records", 1000, "records that the killed exports have; a tenth of them with details")
	kills       = flag.Int("kill.times", 5, "how often each of them is killed")
	killSeed    = flag.Uint64("kill.seed", 0, "seed of the moments; 0: the time")
	many        = flag.Int("memory.records", 20000, "records whose export must stay small")
	manyDetails = flag.Int("memory.details", 1000, "records whose export with details must stay small")
)

// The program, as a process of its own, can be killed and stays small.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("runs and kills programs for half a minute")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "leedo")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/leedoapp/leedo-go/examples/leedo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, details := range []bool{false, true} {
		for _, format := range []string{"csv", "jsonl"} {
			t.Run(fmt.Sprintf("killed/%s/details=%v", format, details), func(t *testing.T) { testKilled(t, program, format, details) })
		}
		t.Run(fmt.Sprintf("memory/details=%v", details), func(t *testing.T) { testMemory(t, program, details) })
	}
}

// process returns the command that runs a job as a process, with a server at url.
func (j *job) process(t *testing.T, program, url string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), program, "export", j.Resource, "--out", j.File, "--format", j.Format, fmt.Sprintf("--details=%v", j.Details))
	cmd.Env = append(os.Environ(), "LEEDO_BASE_URL="+url+"/v1", "LEEDO_API_TOKEN="+j.fake.Token())
	cmd.Stderr = &strings.Builder{}
	return cmd
}

// A process that is killed at any moment leaves what the next one goes on with.
func testKilled(t *testing.T, program, format string, details bool) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-kill.seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	records, requests := *killed, *killed/100
	if details {
		records /= 10
		requests = records
	}
	fake := newFake(records)
	undisturbed := newJob(t, fake, format)
	undisturbed.Details = details
	want, _, err := undisturbed.run(t)
	if err != nil {
		t.Fatal(err)
	}
	var until atomic.Int64 // how many requests from now the process is killed
	reached := make(chan bool, 1)
	fake.OnRequest(func(leedotest.Request) {
		if until.Add(-1) == 0 {
			reached <- true
		}
	})
	j := newJob(t, fake, format)
	j.Details = details
	server := httptest.NewServer(fake)
	defer server.Close()
	wentOn, ended := 0, 0
	for n := 0; n < *kills; {
		cmd := j.process(t, program, server.URL)
		// Some reach the end: that it is written is a moment, too.
		select {
		case <-reached: // of the last one, which has ended
		default:
		}
		until.Store(1 + dice.Int64N(int64(requests)))
		delay := time.Duration(dice.IntN(3000)) * time.Microsecond
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-reached:
			time.Sleep(delay)
			cmd.Process.Kill()
			if <-done == nil {
				ended++
			}
			n++
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %s", err, cmd.Stderr)
			}
			ended++
		}
		if strings.Contains(fmt.Sprint(cmd.Stderr), "going on after ") {
			wentOn++
		}
		if content, err := os.ReadFile(j.File); err == nil && string(content) != want {
			t.Fatal("the file is not complete")
		}
	}
	cmd := j.process(t, program, server.URL)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, cmd.Stderr)
	}
	content, err := os.ReadFile(j.File)
	if err != nil || string(content) != want || j.beside() != "out" {
		t.Errorf("%v, equal: %v, the files are %s", err, string(content) == want, j.beside())
	}
	t.Logf("killed %d times; %d went on with an earlier one, %d came to the end", *kills, wentOn, ended)
}

// What an export needs for more records is not much: the ids that an iteration remembers
// and, if it goes on with an earlier one, those in the file.
func testMemory(t *testing.T, program string, details bool) {
	const most = 12 << 10 // KiB
	records := *many
	if details {
		records = *manyDetails
	}
	fake := fill(leedotest.NewServer(leedotest.WithRecentRequests(0)), records)
	server := httptest.NewServer(fake)
	defer server.Close()
	for try := 1; ; try++ {
		j := newJob(t, fake, "csv")
		j.Details = details
		growth := j.grow(t, program, server.URL)
		j.equal(t)
		if growth < most {
			return
		}
		if try == 3 { // on a busy machine the garbage collector may be late
			t.Fatalf("the process grew by %d KiB", growth)
		}
	}
}

// grow runs a job as a process that fails near the end, and another that goes on with it.
// It returns by how many KiB they grew from the first request on.
func (j *job) grow(t *testing.T, program, url string) int64 {
	leads := j.fake.Leads()
	j.fake.Inject(leedotest.Fault{Status: http.StatusForbidden, When: func(r leedotest.Request) bool {
		return r.Query.Get("page") == strconv.Itoa(len(leads)/100) && !j.Details || r.Path == "/leads/"+leads[len(leads)-2].ID
	}})
	var base, growth int64 // base of the first: the second has read the ids by then
	for _, fails := range []bool{true, false} {
		first, peak, err := j.measure(t, j.process(t, program, url))
		if (err != nil) != fails {
			t.Fatal(err)
		}
		if fails {
			base = first
		}
		t.Logf("%d records: %d KiB at the first request, at most %d KiB", len(leads), first, peak)
		growth = max(growth, peak-base)
	}
	t.Logf("growth: %d KiB", growth)
	return growth
}

// measure runs a process, and returns its resident memory at its first request and
// the most that it ever had, in KiB.
func (j *job) measure(t *testing.T, cmd *exec.Cmd) (base, most int64, err error) {
	var mu sync.Mutex
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err == nil && base == 0 {
			base = kilobytes(status, "VmRSS")
		}
		most = max(most, kilobytes(status, "VmHWM"))
	}
	j.fake.OnRequest(func(leedotest.Request) { look() })
	mu.Lock()
	err = cmd.Start()
	mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			mu.Lock() // a request may still be handled
			defer mu.Unlock()
			if most == 0 {
				t.Skip("there is no /proc/PID/status")
			}
			return base, most, err
		case <-time.After(10 * time.Millisecond):
			mu.Lock()
			begun := base > 0
			mu.Unlock()
			if begun {
				look() // what is after the last request counts, too
			}
		}
	}
}

// equal compares a CSV file with what the fake holds.
func (j *job) equal(t *testing.T) {
	file, err := os.Open(j.File)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	leads := j.fake.Leads()
	if err != nil || len(rows) != 1+len(leads) {
		t.Fatalf("%d rows for %d leads: %v", len(rows), len(leads), err)
	}
	for i, lead := range leads {
		want := []string{lead.ID, lead.Name, lead.Email, lead.Company, "", string(lead.Status), lead.CreatedAt.Format(time.RFC3339), ""}
		if j.Details {
			want[4], want[7] = lead.Phone, lead.UpdatedAt.Format(time.RFC3339)
		}
		if !slices.Equal(rows[i+1], want) {
			t.Fatalf("row %d is %q, want %q", i+1, rows[i+1], want)
		}
	}
}

// kilobytes returns a field of /proc/PID/status.
func kilobytes(status []byte, field string) int64 {
	match := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(match[1]), 10, 64)
	return n
}
