//go:build !plan9

package leedotest

import (
	"os"
	"syscall"
)

// errReset is why a connection that was cut cannot be read.
var errReset = os.NewSyscallError("read", syscall.ECONNRESET)
