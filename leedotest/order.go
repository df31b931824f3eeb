package leedotest

// blockSize is how many ids a block of an order has: a removal touches one
// block, and a page is found by counting blocks.
const blockSize = 512

// order is the order in which the records of a table were added.
type order struct {
	next   int // the sequence number of the next one
	blocks []block
}

// block holds the ids of blockSize sequence numbers, "" for records that were
// removed.
type block struct {
	ids  []string // nil when there are none left, and none to come
	live int      // ids that are not ""
}

// add puts an id at the end and returns its sequence number.
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

// newest returns up to n ids, the last one first, after the first skip.
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
