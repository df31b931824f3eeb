// Package undocumented breaks the rules on doc comments in every way there is.
// The lint step reads it to see that the linters still notice.
package undocumented

func F() {}

// does.
func G() {}

type T struct{ A int }

func (T) M() {}

const C = 1

var V = 1

// Wrong is.
type W int

type I interface{ Do() }
