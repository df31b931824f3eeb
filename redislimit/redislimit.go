// Package redislimit shares the quota of a Leedo token among processes, on any
// number of machines, through Redis:
//
//	store, err := redislimit.New(redis.NewClient(&redis.Options{Addr: "redis:6379"}), "leedo")
//	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
//	client, err := leedo.NewClient(token, leedo.WithRateLimiter(limiter))
//
// Each process that uses the same token does the same with the same key. They
// then spend what is left together, and one of them at a time asks whether a
// new window has begun. While Redis cannot be reached each goes by what it sees
// in its own responses; no call fails for it. [Store.Check] reports at start-up
// whether the store works.
//
// # Short-lived processes
//
// A process may make one call and end, or be frozen: a call that leaves its process
// idle has reported what became of it before it returns. A process that holds permits
// or waits for some reports every two seconds. Permits of one that was silent for 5
// seconds, for example because it was killed in the middle of a call, count as spent
// until a newer response shows what is left. They delay nobody: if nothing else is left, one request
// is sent to find out.
//
// # Cost and latency
//
// An exchange with Redis is one round trip of one script, which takes some 30
// microseconds of Redis' time. An interactive call needs two exchanges, and so does a
// page of an iteration; bulk in bursts gets up to 32 permits with one.
//
// An exchange that takes over 100 ms is not waited for: the call is decided by what its
// process knows. One that is late, as on a new connection, counts all the same when it
// comes, but not two in a row. With a Redis that is always further away than that, in
// another region, each process goes by what it sees itself.
//
// # Trouble
//
// The logger of a client gets the cause of a failure at Warn, once, when the exchange
// has ended, and at Info that the store works again, once. go-redis dials five times
// with pauses of 100 ms, and repeats a command three times, before it returns the
// error: with DialerRetries set to 1 a process that makes only one call has the cause
// in time, too. That two limits are reported in turn, as by two tokens under one key,
// is logged at Warn once.
//
// # Access
//
// A user of Redis needs these commands, on the key as it is sent, in braces:
//
//	ACL SETUSER leedo on >password ~{leedo} +eval +evalsha +time +hmget +hset +hgetall +hdel +exists +del +pexpire
//
// # Versions
//
// Versions of this package whose scripts keep the same state share it. A script that
// finds the state of another kind, or anything else, leaves it alone: each exchange is
// an error, and the process goes by what it sees itself.
package redislimit

import (
	"context"
	_ "embed" // the script
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/redis/go-redis/v9"
)

//go:embed exchange.lua
var source string

// script is loaded by its hash, and sent as a whole to a server that does not
// know it (EVALSHA, and EVAL after a NOSCRIPT).
var script = redis.NewScript(source)

// Store is a [leedo.QuotaStore] on Redis, 6.2 or newer, or Valkey. It is safe
// for concurrent use, and owns nothing that would have to be closed.
type Store struct {
	rdb redis.Scripter
	key string
}

// New returns a store that keeps the state of one quota in one key of Redis.
// Processes share a quota by using the same key, so it should name the token's
// owner and not hold the token. The key is put in braces unless it has some, as
// a hash tag for Redis Cluster: "leedo" becomes "{leedo}". It goes some two
// windows after the last exchange, after ten minutes at least, and no earlier
// than a refusal ends. If it holds anything else, that is left alone and each
// exchange is an error.
//
// rdb may be any client of go-redis: a [redis.Client], with Sentinel or not, a
// [redis.ClusterClient] or [redis.Ring]. New sends nothing. A nil client or an
// empty key is [leedo.ErrInvalidArgument].
func New(rdb redis.Scripter, key string) (*Store, error) {
	if absent(rdb) {
		return nil, fmt.Errorf("redislimit: no Redis client: %w", leedo.ErrInvalidArgument)
	}
	if key == "" {
		return nil, fmt.Errorf("redislimit: an empty key: %w", leedo.ErrInvalidArgument)
	}
	return &Store{rdb: rdb, key: tagged(key)}, nil
}

// absent reports whether v is nil, or an interface around a nil pointer.
func absent(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// tagged returns the key with a hash tag: what is in the first braces, if
// anything, says which node of a cluster has it.
func tagged(key string) string {
	if _, after, ok := strings.Cut(key, "{"); ok && strings.Index(after, "}") > 0 {
		return key
	}
	return "{" + key + "}"
}

// Check reports whether the store works: it makes one exchange that asks for nothing,
// and returns why that failed. It is for the start of a program, as no call fails for
// a store that does not work. With the default options go-redis takes some two seconds
// to find out that nobody listens; a ctx that ends earlier hides the cause.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.Exchange(ctx, leedo.QuotaAsk{Process: fmt.Sprintf("check %016x", rand.Uint64()), Number: 1})
	return err
}

// Exchange implements [leedo.QuotaStore], in one round trip. A Store that was
// not made by [New] is [leedo.ErrInvalidArgument]; other errors wrap those of the
// Redis client, and name the key as it is sent.
func (s *Store) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	if s == nil || s.rdb == nil {
		return leedo.QuotaAnswer{}, fmt.Errorf("redislimit: a Store that New did not make: %w", leedo.ErrInvalidArgument)
	}
	return s.exchange(ctx, ask, arguments(ask))
}

// exchange runs the script with the arguments of an ask.
func (s *Store) exchange(ctx context.Context, ask leedo.QuotaAsk, args []any) (leedo.QuotaAnswer, error) {
	got, err := script.Run(ctx, s.rdb, []string{s.key}, args...).Text()
	if err != nil {
		return leedo.QuotaAnswer{}, &failure{s.key, err}
	}
	given, err := answer(ask, got)
	if err != nil {
		return leedo.QuotaAnswer{}, &failure{s.key, err}
	}
	return given, nil
}

// failure is the error of an exchange.
type failure struct {
	key string
	err error
}

// userinfo is what a URL holds between scheme and host: a password, if anything.
var userinfo = regexp.MustCompile(`://[^\s"']*@`)

// Error returns the text of the Redis client's error without the password of a URL,
// which a dialer may have put into it.
func (f *failure) Error() string {
	return fmt.Sprintf("redislimit: key %q: %s", f.key, userinfo.ReplaceAllString(f.err.Error(), "://***@"))
}

func (f *failure) Unwrap() error { return f.err }

// arguments encodes an ask for the script: numbers are doubles, which hold
// microseconds exactly for 285 years.
func arguments(ask leedo.QuotaAsk) []any {
	packed := make([]byte, 0, 17*8)
	for _, n := range [...]float64{
		float64(ask.Number), float64(ask.Interactive), float64(ask.Bulk), ask.Reserve, float64(ask.Held),
		float64(ask.Served), float64(ask.Lost), float64(ask.Silent), float64(ask.Refused), float64(ask.Calls),
		float64(ask.Limit), float64(ask.Remaining), micros(ask.Reset), micros(ask.Age), float64(ask.Sent),
		micros(ask.RetryAfter), float64(ask.RefusedSent),
	} {
		packed = binary.BigEndian.AppendUint64(packed, math.Float64bits(n))
	}
	return []any{"process " + ask.Process, packed}
}

func micros(d time.Duration) float64 { return float64(d.Microseconds()) }

var errAnswer = errors.New("the answer of the script makes no sense")

// answer reads what the script returned, and believes nothing that it could
// not have meant.
func answer(ask leedo.QuotaAsk, packed string) (leedo.QuotaAnswer, error) {
	var got [6]float64
	if len(packed) != len(got)*8 {
		return leedo.QuotaAnswer{}, errAnswer
	}
	const longest = float64(200*365*24*time.Hour) / 1e3 // in microseconds
	most := [...]float64{float64(ask.Interactive), float64(ask.Bulk), longest, longest, 1 << 53, 3}
	for i := range got {
		got[i] = math.Float64frombits(binary.BigEndian.Uint64([]byte(packed[i*8:])))
		if !(got[i] >= 0 && got[i] <= most[i]) { // as NaN is not, either
			return leedo.QuotaAnswer{}, errAnswer
		}
	}
	if got[4] < 1 {
		return leedo.QuotaAnswer{}, errAnswer
	}
	return leedo.QuotaAnswer{
		Interactive: int(got[0]),
		Bulk:        int(got[1]),
		AskAgain:    time.Duration(got[2]) * time.Microsecond,
		Opens:       time.Duration(got[3]) * time.Microsecond,
		Turn:        int64(got[4]),
		Probing:     int(got[5])&1 != 0,
		Mixed:       int(got[5])&2 != 0,
	}, nil
}
