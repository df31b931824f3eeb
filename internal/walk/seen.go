package walk

// memory is how many keys are remembered.
const memory = 10_000

// recent remembers the most recent keys, in the order in which they came.
type recent struct {
	keys  map[string]int // the time at which each came
	ring  []string
	next  int
	clock int // the time: the number of keys that came

	// Keys that came after the time from, up to the time to, are doubted: items
	// that have not come may precede theirs.
	from, to int
}

func (r *recent) has(key string) bool {
	_, ok := r.keys[key]
	return ok
}

// sound reports whether key came and is not doubted.
func (r *recent) sound(key string) bool {
	at, ok := r.keys[key]
	return ok && (at <= r.from || at > r.to)
}

// distrust doubts the keys that came since a time, until they come again.
func (r *recent) distrust(since int) {
	if r.to > 0 {
		since = min(since, r.from)
	}
	r.from, r.to = since, r.clock
}

// add remembers key and reports whether it is new.
func (r *recent) add(key string) bool {
	if r.sound(key) {
		return false
	}
	r.clock++
	isNew := !r.has(key)
	r.keys[key] = r.clock
	switch {
	case !isNew:
	case len(r.ring) < memory:
		r.ring = append(r.ring, key)
	default:
		delete(r.keys, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % memory
	}
	return isNew
}
