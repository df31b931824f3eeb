//go:build !unix

package redislimit_test

import "errors"

func stop() error { return errors.ErrUnsupported }
