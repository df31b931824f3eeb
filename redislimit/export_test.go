package redislimit

import (
	"context"

	"github.com/leedoapp/leedo-go"
	"github.com/redis/go-redis/v9"
)

// ExchangeAt is an exchange at a time of the test's own, in microseconds.
func (s *Store) ExchangeAt(ctx context.Context, ask leedo.QuotaAsk, now int64) (leedo.QuotaAnswer, error) {
	got, err := script.Run(ctx, s.rdb, []string{s.key}, append(arguments(ask), now)...).Int64Slice()
	if err != nil {
		return leedo.QuotaAnswer{}, err
	}
	return answer(ask, got)
}

// Forget removes the state.
func (s *Store) Forget(ctx context.Context) error {
	return s.rdb.(redis.Cmdable).Del(ctx, s.key).Err()
}
