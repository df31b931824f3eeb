package leedotest

import (
	"os"
	"syscall"
)

// errReset is why a connection that was cut cannot be read. Plan 9 has texts in place of
// error numbers.
var errReset = os.NewSyscallError("read", syscall.NewError("i/o on hungup channel"))
