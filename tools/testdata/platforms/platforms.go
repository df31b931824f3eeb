// Package platforms does not compile on Plan 9, and its test not on a 32-bit one.
package platforms

import "syscall"

// Reset is an error number, which Plan 9 does not have.
const Reset = syscall.ECONNRESET
