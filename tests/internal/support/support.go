// Package support is what the tests in the folders beside it share.
//
// There are four ways to make a client. [Serve] starts a server on a real
// socket. [ServePipes] connects net/http on both sides by pipes in memory, so
// that time can be virtual. [InMemory] calls the handlers directly, without
// HTTP on the wire; [NewClient] does so with a [RoundTripper] of the test. [Fake]
// is the fake of package leedotest, filled with leads.
//
// [Bubble] runs a subtest in virtual time.
package support
