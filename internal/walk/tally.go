package walk

import "cmp"

// tally counts the rows that came, page by page, and those that are missing.
// Items that came again count again: it is about places in the list.
type tally struct {
	start int // the first page
	asked int // the page size that was asked for; 0: not known

	upTo    []int // how many items came on the pages from start to each
	largest int   // how many items came on a page at most
	reached int   // the last page that was counted
	filled  int   // pages that had items
	empty   int   // pages in a item that had none
	claim   int   // the page size as the newest page has it

	total   int // of the page accepted last, as far as it counts
	newest  int // the total of the page read last
	highest int // the largest total
	lowest  int // the smallest total of the pages accepted that had items
}

// hear takes note of the total of a page and returns by how much it grew.
func (c *tally) hear(total int) int {
	grown := 0
	if c.claim > 0 {
		grown = max(total-c.newest, 0)
	}
	c.newest, c.highest = total, max(c.highest, total)
	return grown
}

// add adds a page: behind those before it, which is where counting goes on if
// the iteration went back.
func (c *tally) add(meta Meta, items, total int) {
	i := meta.Page - c.start
	before := 0
	if i > 0 {
		before = c.upTo[i-1]
	}
	c.upTo = append(c.upTo[:i], before+items)
	c.claim, c.total = meta.PerPage, total
	c.empty++
	if items > 0 {
		c.empty = 0
		if c.filled == 0 || meta.Total < c.lowest {
			c.lowest = meta.Total
		}
		c.largest = max(c.largest, items)
		if meta.Page > c.reached {
			c.filled++
		}
	}
	c.reached = max(c.reached, meta.Page)
}

// full reports whether a page is full: it has as many rows as pages before it
// had, or as were asked for. The first page is believed what it says, unless
// there are pages before it: it may be as large as they are.
func (c *tally) full(items, claim int) bool {
	if c.filled == 0 && c.start > 1 {
		return items > 0
	}
	return items > 0 && (items >= cmp.Or(c.largest, claim) || items == c.asked)
}

// size returns the page size, and whether it is known: it is what pages bring.
// Of a single page that is not known if it is short. Then the size that was
// asked for counts if it explains the total, or if the page says too little.
func (c *tally) size() (items int, known bool) {
	switch {
	case c.filled > 1:
		return c.largest, true
	case c.asked > 0 && (c.start-1)*c.asked+c.came() == c.total:
		return c.asked, true
	case c.largest > c.claim:
		return max(c.largest, c.asked), false
	}
	return max(c.claim, 1), false
}

// before is how many rows there are before the first page, which were not
// asked for, if pages have so many.
func (c *tally) before(size int) int {
	if c.start-1 > c.total/size {
		return c.total // it is beyond the end
	}
	return (c.start - 1) * size
}

// came is how many rows came.
func (c *tally) came() int {
	if len(c.upTo) == 0 {
		return 0
	}
	return c.upTo[len(c.upTo)-1]
}

// counted is how many rows from the first page on the newest total counts.
func (c *tally) counted(total int) int {
	size, _ := c.size()
	return total - c.before(size)
}

// missing is how many of the rows that the total counts have not come.
func (c *tally) missing() int { return c.missingOf(c.total) }

func (c *tally) missingOf(total int) int { return c.counted(total) - c.came() }

// sure reports whether no row is missing whatever the page size is, if none is
// with the one that counts: that is known, or explains the total, or none would
// be even if pages were no larger than those that came.
func (c *tally) sure() bool {
	_, known := c.size()
	return known || c.missing() == 0 || c.total-c.before(max(c.largest, 1))-c.came() <= 0
}

// doubtful reports whether more rows came than any total counted.
func (c *tally) doubtful() bool { return c.missingOf(c.highest) < 0 }
