//go:build unix

package redislimit_test

import (
	"os"
	"syscall"
)

// stop stops this process, until it is killed.
func stop() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
