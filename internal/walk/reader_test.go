package walk

import (
	"context"
	"sync"
	"testing"
)

// A page that was read ahead of one that shows that the list shrank is read again, also
// if it has come already.
func TestAPageReadBeforeTheListShrankIsReadAgain(t *testing.T) {
	t.Parallel()
	for total, want := range map[int]int{10: 1, 9: 2} {
		var mu sync.Mutex
		reads := map[int]int{}
		wait := make(chan struct{})
		fetch := func(number int) Fetch[string, none] {
			return func(context.Context) Result[string, none] {
				mu.Lock()
				reads[number]++
				mu.Unlock()
				r := Result[string, none]{Items: []string{"x"}, Meta: Meta{Total: 10, Page: number}}
				if number == 2 {
					<-wait
					r.Meta.Total = total
				}
				return r
			}
		}
		f := &reader[string, none]{ctx: t.Context(), fetch: fetch, size: 2}
		f.fill(2, 2, 10)
		<-f.early[1].done
		close(wait)
		if two, three := f.take(2), f.take(3); two.Meta.Total != total || three.Meta.Page != 3 {
			t.Errorf("%+v, %+v", two, three)
		}
		f.close()
		if reads[3] != want {
			t.Errorf("10 items, then %d: page 3 is read %d times, want %d", total, reads[3], want)
		}
	}
}
