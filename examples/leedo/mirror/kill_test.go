package mirror

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

var (
	kills    = flag.Int("kill.times", 6, "how often TestKilled kills the mirror")
	killSeed = flag.Uint64("kill.seed", 0, "what TestKilled throws its dice with; 0: the time")
)

// In a process that TestKilled has started, the test binary is a mirror.
func TestMain(m *testing.M) {
	if file := os.Getenv("MIRROR_TEST_FILE"); file != "" {
		os.Exit(child(file))
	}
	os.Exit(m.Run())
}

func child(file string) int {
	client, err := leedo.NewClientFromEnv()
	if err == nil {
		err = Run(context.Background(), Options{Client: client, File: file, Target: "test"})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Wherever a process is killed, the lists in the mirror are those of one pass, no phone
// is lost, and the next pass goes on as if nothing had happened.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for seconds")
	}
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-kill.seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	c := newChanging(-1, 230, 0)
	w := newWorld(t, c.Server)
	var until atomic.Int64 // requests before the kill
	kill := make(chan bool, 1)
	c.OnRequest(func(leedotest.Request) {
		if until.Add(-1) == 0 {
			kill <- true
		}
	})
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	killed, phones, recorded := 0, 0, ""
	for version := 1; ; version++ {
		for range 5 {
			c.change()
		}
		for _, id := range c.ids {
			c.SetField(id, "name", version)
			if c.kind[id] == "leads" {
				c.SetField(id, "phone", version)
			}
		}
		const lists = 3 + 1 + 1 + 1 // requests
		n := lists                  // the lists are being recorded
		switch {
		case killed == *kills:
			n = 0
		case dice.IntN(2) == 0:
			n = 1 + dice.IntN(250)
		case dice.IntN(2) == 0:
			n = 1 + dice.IntN(lists)
		}
		until.Store(int64(n))
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "MIRROR_TEST_FILE="+w.opts.File, "LEEDO_API_TOKEN="+c.Token(), "LEEDO_BASE_URL="+server.URL+"/v1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			<-kill
			time.Sleep(time.Duration(dice.IntN(10_000)) * time.Microsecond)
			cmd.Process.Kill()
			killed++
		}
		if err := cmd.Wait(); n == 0 && err != nil {
			t.Fatal(err, stderr.String())
		}
		if _, err := os.Stat(w.opts.File); os.IsNotExist(err) || w.query("SELECT count(*) FROM sqlite_schema") == "0" {
			continue // killed before the tables were made
		}
		w.want("PRAGMA integrity_check", "ok")
		// All records have the name of the pass that recorded the lists.
		names := w.query(`SELECT name FROM leads WHERE missing = 0 AND deleted_at IS NULL UNION SELECT name FROM accounts WHERE missing = 0 AND deleted_at IS NULL
			UNION SELECT name FROM contacts WHERE missing = 0 AND deleted_at IS NULL UNION SELECT name FROM campaigns WHERE missing = 0 AND deleted_at IS NULL`)
		if now := fmt.Sprint(version); names == now {
			recorded = now
		}
		if names != recorded || names != fmt.Sprint(version) && n > lists {
			t.Errorf("killed after %d requests of pass %d: the names are %q; the last recorded is %q", n, version, names, recorded)
		}
		before := phones
		fmt.Sscan(w.query("SELECT count(*) FROM leads WHERE phone NOT NULL"), &phones)
		if phones < before {
			t.Errorf("%d phones, and %d before", phones, before)
		}
		if n == 0 {
			w.want(fmt.Sprint("SELECT count(*) FROM leads WHERE deleted_at IS NULL AND phone IS NOT ", version), "0")
			break
		}
	}
	c.checkLists(w)
}
