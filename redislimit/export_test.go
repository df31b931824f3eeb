package redislimit

import (
	"context"

	"github.com/leedoapp/leedo-go"
)

// ExchangeAt is an exchange at a time of the test's own, in microseconds.
func (s *Store) ExchangeAt(ctx context.Context, ask leedo.QuotaAsk, now int64) (leedo.QuotaAnswer, error) {
	got, err := script.Run(ctx, s.rdb, []string{s.key}, append(arguments(ask), now)...).Int64Slice()
	if err != nil {
		return leedo.QuotaAnswer{}, err
	}
	return answer(ask, got)
}
