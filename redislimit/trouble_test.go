package redislimit_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/redis/go-redis/v9"
)

// The commands that the script needs, as the documentation of the package lists them.
const commands = "+eval +evalsha +time +hmget +hset +hgetall +hdel +exists +del +pexpire"

// broken is a Redis server that the store cannot use.
type broken struct {
	options redis.Options
	want    string // the cause that is logged; ADDR is the address
	repair  func() // nil means that it cannot be repaired
}

// do sends a command to a server, and fails the test if there is an error.
func do(t *testing.T, r *redisServer, words string) {
	t.Helper()
	var args []any
	for word := range strings.FieldsSeq(words) {
		args = append(args, word)
	}
	if err := r.client().Do(context.Background(), args...).Err(); err != nil {
		t.Fatal(words, err)
	}
}

// repeating sends each command twice, and keeps the reply to the second: what a client does
// if the connection breaks before the first.
type repeating struct{}

func (repeating) DialHook(next redis.DialHook) redis.DialHook { return next }
func (repeating) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (repeating) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		next(ctx, cmd)
		return next(ctx, cmd)
	}
}

// A reply that is lost fails no call, also if calls never wait for the quota.
func TestALostReplyFailsNoCall(t *testing.T) {
	t.Parallel()
	rdb := startRedis(t).client()
	store := newStore(t, rdb, "k")
	if err := store.Check(t.Context()); err != nil { // which loads the script
		t.Fatal(err)
	}
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Pro))
	client := server.Client(leedo.WithRateLimiter(limiter), leedo.WithMaxWait(0))
	for n := range 20 {
		if n == 3 {
			rdb.AddHook(repeating{})
		}
		if _, err := client.Leads.List(t.Context(), nil); err != nil {
			t.Errorf("call %d: %v", n, err)
		}
	}
}

// If the store does not work, its cause is logged once, and that it works again is logged
// once. No call fails.
func TestTroubleIsLogged(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) broken{
		"connection refused": func(t *testing.T) broken {
			r := startRedis(t)
			r.kill()
			return broken{redis.Options{Addr: r.addr}, "dial tcp ADDR: connect: connection refused", func() {
				if err := r.start(); err != nil {
					t.Fatal(err)
				}
			}}
		},
		"unknown host": func(*testing.T) broken {
			return broken{redis.Options{Addr: "redis.invalid:6379", Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(addr) // tests cannot rely on a name server
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
			}}, "dial tcp: lookup redis.invalid: no such host", nil}
		},
		"unknown CA": func(t *testing.T) broken {
			server := httptest.NewUnstartedServer(nil)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
			server.StartTLS()
			t.Cleanup(server.Close)
			return broken{redis.Options{Addr: server.Listener.Addr().String(), TLSConfig: &tls.Config{ServerName: "example.com"}},
				"tls: failed to verify certificate: x509: certificate signed by unknown authority", nil}
		},
		"a replica": func(t *testing.T) broken {
			r := startRedis(t, "--replicaof", "127.0.0.1", "1")
			return broken{redis.Options{Addr: r.addr},
				"READONLY You can't write against a read only replica.", func() { do(t, r, "REPLICAOF NO ONE") }}
		},
		"no password": func(t *testing.T) broken {
			r := startRedis(t)
			admin := r.client()
			do(t, r, "CONFIG SET requirepass hidden")
			return broken{redis.Options{Addr: r.addr}, "NOAUTH", func() {
				if err := admin.Do(context.Background(), "AUTH", "hidden").Err(); err != nil {
					t.Fatal(err)
				}
				if err := admin.Do(context.Background(), "ACL", "SETUSER", "default", "nopass").Err(); err != nil {
					t.Fatal(err)
				}
			}}
		},
		"a wrong password": func(t *testing.T) broken {
			r := startRedis(t)
			do(t, r, "ACL SETUSER leedo on >right ~{k} "+commands)
			return broken{redis.Options{Addr: r.addr, Username: "leedo", Password: "secret"}, "WRONGPASS",
				func() { do(t, r, "ACL SETUSER leedo >secret") }}
		},
		"no permission for the script": func(t *testing.T) broken {
			r := startRedis(t)
			do(t, r, "ACL SETUSER leedo on >secret ~{k} "+strings.ReplaceAll(commands, "+evalsha", ""))
			return broken{redis.Options{Addr: r.addr, Username: "leedo", Password: "secret"}, "NOPERM",
				func() { do(t, r, "ACL SETUSER leedo +evalsha") }}
		},
		"no permission for a command": func(t *testing.T) broken {
			r := startRedis(t)
			do(t, r, "ACL SETUSER leedo on >secret ~{k} "+strings.ReplaceAll(commands, "+pexpire", ""))
			return broken{redis.Options{Addr: r.addr, Username: "leedo", Password: "secret"}, "command",
				func() { do(t, r, "ACL SETUSER leedo +pexpire") }}
		},
		"no permission for the key": func(t *testing.T) broken {
			r := startRedis(t)
			do(t, r, "ACL SETUSER leedo on >secret ~k "+commands)
			return broken{redis.Options{Addr: r.addr, Username: "leedo", Password: "secret"}, "NOPERM",
				func() { do(t, r, "ACL SETUSER leedo ~{k}") }}
		},
		"it hangs": func(t *testing.T) broken {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return broken{redis.Options{Addr: l.Addr().String()}, "context deadline exceeded", nil}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := make(t)
			options := b.options
			rdb := redis.NewClient(&options)
			t.Cleanup(func() { rdb.Close() })
			store := newStore(t, rdb, "k")
			cause := func(text string) bool {
				return strings.Contains(text, `redislimit: key "{k}": `) &&
					strings.Contains(text, strings.ReplaceAll(b.want, "ADDR", b.options.Addr)) &&
					!strings.Contains(text, "secret") && !strings.Contains(text, "hidden")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := store.Check(ctx); b.want != "context deadline exceeded" && (err == nil || !cause(err.Error())) {
				t.Errorf("the check says: %v", err)
			}
			log := &recorder{info: true}
			client := leedotest.NewServer(leedotest.WithPlan(1e6), leedotest.WithRecentRequests(1)).Client(
				leedo.WithRateLimiter(newLimiter(t, store)), leedo.WithLogger(slog.New(log)))
			until := func(what string, done func([]string) bool) {
				for start := time.Now(); !done(log.all()); time.Sleep(5 * time.Millisecond) {
					before := time.Now()
					if _, err := client.Leads.List(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(before); took > time.Second {
						t.Errorf("a call took %v", took)
					}
					if time.Since(start) > 40*time.Second {
						t.Fatalf("%s: not within 40 s; logged %q", what, log.all())
					}
				}
			}
			until("the cause is logged", func(said []string) bool { return len(said) > 0 })
			want := 1
			if b.repair != nil {
				b.repair()
				until("the recovery is logged", func(said []string) bool { return len(said) > 1 })
				want = 2
			}
			said := log.all()
			for _, line := range said {
				t.Log(line)
			}
			if len(said) != want || !cause(said[0]) || want == 2 && !strings.HasPrefix(said[1], "leedo: the quota store works again") {
				t.Errorf("logged %q", said)
			}
			if want == 2 {
				if err := store.Check(ctx); err != nil {
					t.Errorf("the check says: %v", err)
				}
			}
		})
	}
}

// A check holds no permits, so that other processes need not wait.
func TestCheck(t *testing.T) {
	rdb := startRedis(t).client()
	store := newStore(t, rdb, "k")
	for range 10 {
		if err := store.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.Exchange(t.Context(), ask(4, 0)); err != nil || got.Interactive != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

// No error contains the password of a URL.
func TestErrorsHoldNoPassword(t *testing.T) {
	cause := errors.New(`dial redis://user:se/cr@et@redis.internal:6379/0: parse "rediss://:secret@host": bad`)
	err := newStore(t, scripted{err: cause}, "k").Check(t.Context())
	const want = `redislimit: key "{k}": dial redis://***@redis.internal:6379/0: parse "rediss://***@host": bad`
	if err == nil || err.Error() != want || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

// Two tokens under one key are logged once, by each process.
func TestTwoTokensUnderOneKey(t *testing.T) {
	rdb := startRedis(t).client()
	var logs []*recorder
	var clients []*leedo.Client
	for _, plan := range []leedotest.Plan{leedotest.Free, leedotest.Pro} {
		log := new(recorder)
		logs = append(logs, log)
		clients = append(clients, leedotest.NewServer(leedotest.WithPlan(plan)).Client(
			leedo.WithRateLimiter(newLimiter(t, newStore(t, rdb, "k"))), leedo.WithLogger(slog.New(log))))
	}
	for range 20 {
		for _, client := range clients {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, log := range logs {
		said := slices.DeleteFunc(log.all(), func(line string) bool { return !strings.Contains(line, "two different limits") })
		if len(said) != 1 {
			t.Errorf("process %d logged %q", i, said)
		}
		t.Log(fmt.Sprint(said))
	}
}

// A process that makes only one call logs the cause, too, if go-redis dials only once.
func TestOneCallLogsTheCause(t *testing.T) {
	r := startRedis(t)
	r.kill()
	rdb := redis.NewClient(&redis.Options{Addr: r.addr, DialerRetries: 1})
	t.Cleanup(func() { rdb.Close() })
	log := new(recorder)
	client := leedotest.NewServer(leedotest.WithPlan(leedotest.Free)).Client(
		leedo.WithRateLimiter(newLimiter(t, newStore(t, rdb, "k"))), leedo.WithLogger(slog.New(log)))
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if said := log.all(); len(said) != 1 || !strings.Contains(said[0], "connection refused") {
		t.Errorf("logged %q", said)
	}
}

// A slow dial is not a failure: the store decides, and nothing is logged.
func TestASlowDialIsNoFailure(t *testing.T) {
	r := startRedis(t)
	rdb := redis.NewClient(&redis.Options{Addr: r.addr, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		time.Sleep(80 * time.Millisecond)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	t.Cleanup(func() { rdb.Close() })
	log, store := new(recorder), &counting{QuotaStore: newStore(t, rdb, "k")}
	client := leedotest.NewServer(leedotest.WithPlan(leedotest.Free)).Client(
		leedo.WithRateLimiter(newLimiter(t, store)), leedo.WithLogger(slog.New(log)))
	for range 3 {
		if _, err := client.Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if said := log.all(); len(said) > 0 || store.good.Load() < 3 {
		t.Errorf("%d exchanges, logged %q", store.good.Load(), said)
	}
}
