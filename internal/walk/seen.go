package walk

// memory is how many keys of rows are remembered.
const memory = 10_000

// recent remembers the last keys it was given.
type recent struct {
	keys map[string]struct{}
	ring []string
	next int
}

func (r *recent) has(key string) bool {
	_, ok := r.keys[key]
	return ok
}

// add remembers key and reports whether it is new.
func (r *recent) add(key string) bool {
	if r.has(key) {
		return false
	}
	r.keys[key] = struct{}{}
	if len(r.ring) < memory {
		r.ring = append(r.ring, key)
		return true
	}
	delete(r.keys, r.ring[r.next])
	r.ring[r.next] = key
	r.next = (r.next + 1) % memory
	return true
}
