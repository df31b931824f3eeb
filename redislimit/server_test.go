package redislimit_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server process on a free port of the loopback interface.
type redisServer struct {
	t    testing.TB
	addr string
	cmd  *exec.Cmd
	log  *os.File
}

// startRedis starts a Redis server that ends with the test.
func startRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed: apt-get install redis-server")
		}
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	s := &redisServer{t: t}
	var err error
	for range 5 { // another process may take the port in between
		s.addr = freeAddr(t)
		if err = s.start(args...); err == nil {
			t.Cleanup(s.kill)
			return s
		}
	}
	t.Fatal(err)
	return nil
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts the server, without data, and waits until it responds.
func (s *redisServer) start(args ...string) error {
	host, port, _ := net.SplitHostPort(s.addr)
	s.log, _ = os.Create(filepath.Join(s.t.TempDir(), "log"))
	defer s.log.Close()
	// A configuration file among the arguments has to be the first.
	args = slices.Concat(args, []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.t.TempDir()})
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout = s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer rdb.Close()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		got, err := rdb.Info(context.Background(), "server").Result()
		if err == nil && strings.Contains(got, fmt.Sprintf("process_id:%d\r\n", s.cmd.Process.Pid)) {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.kill()
	return fmt.Errorf("redis-server does not respond")
}

// kill kills the server.
func (s *redisServer) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// client returns a client of the server that is closed with the test.
func (s *redisServer) client() *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: s.addr})
	s.t.Cleanup(func() { rdb.Close() })
	return rdb
}
