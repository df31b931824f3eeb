package redislimit

import (
	"context"

	"github.com/leedoapp/leedo-go"
	"github.com/redis/go-redis/v9"
)

// ExchangeAt makes an exchange at the time now, in microseconds since 1970.
func (s *Store) ExchangeAt(ctx context.Context, ask leedo.QuotaAsk, now int64) (leedo.QuotaAnswer, error) {
	return s.exchange(ctx, ask, append(arguments(ask), now))
}

// Forget deletes the state.
func (s *Store) Forget(ctx context.Context) error {
	return s.rdb.(redis.Cmdable).Del(ctx, s.key).Err()
}
