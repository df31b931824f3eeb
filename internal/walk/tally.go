package walk

import "cmp"

// tally counts the items that came, page by page, and those that are missing. Items
// that came again count again: it counts positions in the list.
type tally struct {
	start int // the first page
	asked int // the page size that was requested; zero if unknown

	upTo    []int // number of items on the pages from start to each page
	largest int   // the largest number of items on a page
	reached int   // the highest page that was counted
	filled  int   // number of pages that had items
	empty   int   // number of consecutive empty pages
	claim   int   // the per_page of the newest page

	total   int // of the page accepted last, or a larger one that contradicts it
	newest  int // the total of the page read last
	highest int // the largest total
	lowest  int // the smallest total of the accepted pages that had items
}

// hear records the total of a page and returns by how much it has grown.
func (c *tally) hear(total int) int {
	grown := 0
	if c.claim > 0 {
		grown = max(total-c.newest, 0)
	}
	c.newest, c.highest = total, max(c.highest, total)
	return grown
}

// add counts a page. If the iteration went back, the page replaces the count from
// there on.
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

// full reports whether a page with items is full: it has as many items as pages before it, or
// as were requested. The first page is compared with the per_page that it reports;
// but if pages precede it, it counts as full, because those may be as small.
func (c *tally) full(items, claim int) bool {
	if c.filled == 0 && c.start > 1 {
		return true
	}
	return items >= cmp.Or(c.largest, claim) || items == c.asked
}

// size returns the page size, and whether it is known. It is the number of items
// that pages have. A single page that is short does not show it: then the requested
// size counts if it explains the total, or if the page reports too small a size.
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

// before returns how many items precede the first page if pages have that size.
func (c *tally) before(size int) int {
	if c.start-1 > c.total/size {
		return c.total // the first page is beyond the end
	}
	return (c.start - 1) * size
}

// next returns the page after those that are counted.
func (c *tally) next() int { return c.start + len(c.upTo) }

// came returns how many items came.
func (c *tally) came() int {
	if len(c.upTo) == 0 {
		return 0
	}
	return c.upTo[len(c.upTo)-1]
}

// counted returns how many of total items are on the first page or later.
func (c *tally) counted(total int) int {
	size, _ := c.size()
	return total - c.before(size)
}

// missing returns how many of the items that the total counts have not come.
func (c *tally) missing() int { return c.missingOf(c.total) }

func (c *tally) missingOf(total int) int { return c.counted(total) - c.came() }

// sure reports whether it is certain for any page size that no items are missing,
// if none are missing with the size in use: that size is known, or explains the
// total, or none would be missing even if pages had no more items than those that
// came.
func (c *tally) sure() bool {
	_, known := c.size()
	return known || c.missing() == 0 || c.total-c.before(max(c.largest, 1))-c.came() <= 0
}

// doubtful reports whether more items came than any total counted.
func (c *tally) doubtful() bool { return c.missingOf(c.highest) < 0 }
