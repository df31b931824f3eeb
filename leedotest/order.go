package leedotest

// blockSize is the number of ids in a block of an order. Removing an id changes one
// block, and finding a page skips whole blocks.
const blockSize = 512

// order is the order in which the records of a table were added.
type order struct {
	next   int // the sequence number of the next record
	blocks []block
}

// block holds the ids of up to blockSize consecutive sequence numbers, with "" for
// removed records.
type block struct {
	ids  []string // nil once the block is full and all of its records are removed
	live int      // how many ids are not ""
}

// add appends an id and returns its sequence number.
func (o *order) add(id string) int {
	seq := o.next
	o.next++
	if seq%blockSize == 0 {
		o.blocks = append(o.blocks, block{})
	}
	b := &o.blocks[seq/blockSize]
	b.ids = append(b.ids, id)
	b.live++
	return seq
}

// remove removes the id with the given sequence number.
func (o *order) remove(seq int) {
	b := &o.blocks[seq/blockSize]
	b.ids[seq%blockSize] = ""
	b.live--
	if b.live == 0 && len(b.ids) == blockSize {
		b.ids = nil
	}
}

// newest skips that many of the newest ids and returns the next n at most, newest
// first.
func (o *order) newest(skip, n int64) []string {
	var ids []string
	for i := len(o.blocks) - 1; i >= 0 && n > 0; i-- {
		b := o.blocks[i]
		if skip >= int64(b.live) {
			skip -= int64(b.live)
			continue
		}
		for j := len(b.ids) - 1; j >= 0 && n > 0; j-- {
			switch {
			case b.ids[j] == "":
			case skip > 0:
				skip--
			default:
				ids = append(ids, b.ids[j])
				n--
			}
		}
	}
	return ids
}
