// Package undocumented breaks each rule on doc comments. The lint step checks that the
// linters report it.
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
