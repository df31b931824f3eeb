package walk

import "cmp"

// tally counts the rows that came, page by page, and those that are missing.
// Rows that came again count again: it is about places in the list.
type tally struct {
	start int // the first page
	asked int // the page size that was asked for; 0: not known

	upTo    []int // how many rows came on the pages from start to each
	largest int   // how many rows came on a page at most
	reached int   // the last page that was counted
	filled  int   // pages that had rows
	empty   int   // pages in a row that had none
	claim   int   // the page size as the newest page has it

	total   int // of the page accepted last, as far as it counts
	newest  int // the total of the page read last
	highest int // the largest total
	lowest  int // the smallest total of the pages accepted that had rows
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
func (c *tally) add(meta Meta, rows, total int) {
	i := meta.Page - c.start
	before := 0
	if i > 0 {
		before = c.upTo[i-1]
	}
	c.upTo = append(c.upTo[:i], before+rows)
	c.claim, c.total = meta.PerPage, total
	c.empty++
	if rows > 0 {
		c.empty = 0
		if c.filled == 0 || meta.Total < c.lowest {
			c.lowest = meta.Total
		}
		c.largest = max(c.largest, rows)
		if meta.Page > c.reached {
			c.filled++
		}
	}
	c.reached = max(c.reached, meta.Page)
}

// full reports whether a page is full: it has as many rows as pages before it
// had, or as were asked for. The first page is believed what it says.
func (c *tally) full(rows, claim int) bool {
	return rows > 0 && (rows >= cmp.Or(c.largest, claim) || rows == c.asked)
}

// size is the page size: what pages bring. Of a single page that is not known
// if it is short; if it says too little, what was asked for has to do.
func (c *tally) size() int {
	switch {
	case c.filled > 1:
		return c.largest
	case c.largest > c.claim:
		return max(c.largest, c.asked)
	}
	return max(c.claim, 1)
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

// missing is how many of the rows that the total counts have not come.
func (c *tally) missing() int { return c.missingOf(c.total) }

func (c *tally) missingOf(total int) int { return total - c.before(c.size()) - c.came() }

// sure reports whether no row is missing even if pages are no larger than those
// that came, or whether the figures add up.
func (c *tally) sure() bool {
	return c.missing() == 0 || c.total-c.before(max(c.largest, 1))-c.came() <= 0
}

// doubtful reports whether more rows came than any total counted.
func (c *tally) doubtful() bool { return c.before(c.size())+c.came() > c.highest }
