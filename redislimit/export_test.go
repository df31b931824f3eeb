package redislimit

import (
	"context"

	"github.com/leedoapp/leedo-go"
	"github.com/redis/go-redis/v9"
)

// ExchangeAt is an exchange at a time of the test's own, in microseconds.
func (s *Store) ExchangeAt(ctx context.Context, ask leedo.QuotaAsk, now int64) (leedo.QuotaAnswer, error) {
	return s.exchange(ctx, ask, append(arguments(ask), now))
}

// Forget removes the state.
func (s *Store) Forget(ctx context.Context) error {
	return s.rdb.(redis.Cmdable).Del(ctx, s.key).Err()
}
