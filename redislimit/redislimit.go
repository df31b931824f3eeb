// Package redislimit shares the quota of one Leedo API token among processes, on any
// number of machines, through Redis:
//
//	store, err := redislimit.New(redis.NewClient(&redis.Options{Addr: "redis:6379"}), "leedo")
//	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
//	client, err := leedo.NewClient(token, leedo.WithRateLimiter(limiter))
//
// Every process that uses the token does this with the same key. Together they spend
// what remains of the quota, and after a reset only one of them sends the first
// request. While Redis is unavailable, each process relies on the rate limit headers
// that it receives itself; no call fails because of Redis. [Store.Check] reports at
// startup whether the store works.
//
// # Short-lived processes
//
// A process may make one call and exit, or be frozen after it, as serverless functions
// are: a call that leaves the process idle reports to Redis before it returns. A
// process that holds permits or waits for some reports every two seconds. If it is
// silent for 5 seconds, because it was killed for example, its permits count as spent
// until a newer response shows what remains. They do not block other processes: if
// nothing else remains, one request is sent to find out.
//
// # Cost and latency
//
// An exchange with Redis is one round trip and one script, which takes Redis about 30
// microseconds. An interactive call needs two exchanges, and so does a page of an
// iteration. Bulk calls in bursts share exchanges: one grants up to 32 permits.
//
// If an exchange takes over 100 ms, the call continues without it, based on what its
// process knows. A single late reply, as on a new connection, is used when it arrives. If
// replies keep being late, as with Redis in another region, each process relies on the
// headers that it receives itself.
//
// # Errors
//
// When exchanges fail, a client's logger gets one record at Warn, with the cause, and
// one at Info when the store works again. The cause is known when the exchange ends: by
// default go-redis dials five times with pauses of 100 ms, and all that four times, before
// it returns an error. Set DialerRetries to 1 so that a process that makes
// only one call logs the cause, too. If two limits are reported in turn, as by two
// tokens with one key, that is logged at Warn once.
//
// # Access
//
// The Redis user needs these commands, on the key with its braces:
//
//	ACL SETUSER leedo on >password ~{leedo} +eval +evalsha +time +hmget +hset +hgetall +hdel +exists +del +pexpire
//
// go-redis itself also needs +cluster|slots and +command for a ClusterClient, +ping for a
// Ring, and +select for a database other than 0.
//
// # Versions
//
// Versions of this package share the state if its format is the same. If the key holds
// another format, or anything else, it is not changed: every exchange returns an error,
// and each process relies on the headers that it receives itself.
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

// script is run by its hash, and sent in full to a server that does not have it
// (EVALSHA, and EVAL after a NOSCRIPT error).
var script = redis.NewScript(source)

// Store is a [leedo.QuotaStore] in Redis 6.2 or newer, or Valkey. Use [New]; the zero
// Store is not usable. A Store is safe for concurrent use and need not be closed; the
// Redis client remains the caller's to close.
type Store struct {
	rdb redis.Scripter
	key string
}

// New returns a store that keeps the state of one quota in one key of Redis. Processes
// with the same key share a quota, so the key should name the owner of the token. It
// should not contain the token.
//
// Unless the key contains a hash tag for Redis Cluster, New puts it in braces: "leedo"
// becomes "{leedo}". The key expires about two windows after the last exchange, but
// not within ten minutes and not before the wait of a 429 ends. If the key holds anything
// else, it is not changed, and every exchange returns an error.
//
// rdb may be any client of go-redis: a [redis.Client], with or without Sentinel, a
// [redis.ClusterClient] or a [redis.Ring]. New sends nothing. It returns an error that
// matches [leedo.ErrInvalidArgument] if rdb is nil or key is empty.
func New(rdb redis.Scripter, key string) (*Store, error) {
	if isNil(rdb) {
		return nil, fmt.Errorf("redislimit: nil Redis client: %w", leedo.ErrInvalidArgument)
	}
	if key == "" {
		return nil, fmt.Errorf("redislimit: empty key: %w", leedo.ErrInvalidArgument)
	}
	return &Store{rdb: rdb, key: tagged(key)}, nil
}

// isNil reports whether v is nil, or an interface that holds a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// tagged returns the key with a hash tag: a part in braces, which determines the
// cluster node that holds the key.
func tagged(key string) string {
	if _, after, ok := strings.Cut(key, "{"); ok && strings.Index(after, "}") > 0 {
		return key
	}
	return "{" + key + "}"
}

// Check makes one exchange that asks for no permits, and returns an error if it fails.
// Call it when a program starts, as no call fails because the store does not work. With
// the default options, go-redis takes about two seconds to return an error if it cannot
// connect; if ctx ends earlier, the error does not show the cause.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.Exchange(ctx, leedo.QuotaAsk{Process: fmt.Sprintf("check %016x", rand.Uint64()), Number: 1})
	return err
}

// Exchange implements [leedo.QuotaStore] in one round trip. The error of a Store that
// [New] did not create matches [leedo.ErrInvalidArgument]. Other errors wrap those of
// the Redis client and name the key as it is sent.
func (s *Store) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	if s == nil || s.rdb == nil {
		return leedo.QuotaAnswer{}, fmt.Errorf("redislimit: Store not created by New: %w", leedo.ErrInvalidArgument)
	}
	return s.exchange(ctx, ask, arguments(ask))
}

// exchange runs the script with the arguments of an ask.
func (s *Store) exchange(ctx context.Context, ask leedo.QuotaAsk, args []any) (leedo.QuotaAnswer, error) {
	got, err := script.Run(ctx, s.rdb, []string{s.key}, args...).Text()
	if err != nil {
		return leedo.QuotaAnswer{}, &failure{s.key, err}
	}
	reply, err := decode(ask, got)
	if err != nil {
		return leedo.QuotaAnswer{}, &failure{s.key, err}
	}
	return reply, nil
}

// failure is the error of an exchange.
type failure struct {
	key string
	err error
}

// userinfo matches the part of a URL that may contain a password.
var userinfo = regexp.MustCompile(`://[^\s"']*@`)

// Error returns the text of the Redis client's error. It masks the userinfo of a URL,
// as the error of a dialer may contain a URL with a password.
func (f *failure) Error() string {
	return fmt.Sprintf("redislimit: key %q: %s", f.key, userinfo.ReplaceAllString(f.err.Error(), "://***@"))
}

func (f *failure) Unwrap() error { return f.err }

// arguments encodes an ask for the script. All numbers are doubles, which represent
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

var errReply = errors.New("invalid reply from the script")

// decode decodes the reply of the script. It returns an error if a number is out of
// range.
func decode(ask leedo.QuotaAsk, packed string) (leedo.QuotaAnswer, error) {
	var got [6]float64
	if len(packed) != len(got)*8 {
		return leedo.QuotaAnswer{}, errReply
	}
	const longest = float64(200*365*24*time.Hour) / 1e3 // in microseconds
	most := [...]float64{float64(ask.Interactive), float64(ask.Bulk), longest, longest, 1 << 53, 3}
	for i := range got {
		got[i] = math.Float64frombits(binary.BigEndian.Uint64([]byte(packed[i*8:])))
		if !(got[i] >= 0 && got[i] <= most[i]) { // also false for NaN
			return leedo.QuotaAnswer{}, errReply
		}
	}
	if got[4] < 1 {
		return leedo.QuotaAnswer{}, errReply
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
