package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/redis/go-redis/v9"
)

// startRedis starts a Redis server that stores nothing on disk, on a free port of the
// loopback interface.
func startRedis(ctx context.Context) (addr string, stop func(), err error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return "", nil, errors.New("redis-server is not installed: install it, or pass the address of a Redis server with -redis")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = listener.Addr().String()
	listener.Close()
	dir, err := os.MkdirTemp("", "workers")
	if err != nil {
		return "", nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(ctx, "redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", dir)
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	for range 200 {
		if rdb.Ping(ctx).Err() == nil {
			return addr, stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return "", nil, errors.New("redis-server does not respond")
}

// api is the fake API that the workers call.
type api struct {
	url, token string
	fake       *leedotest.Server // nil if another program serves it
	stop       func()
}

// startAPI starts a fake with the Free plan and a short hour, unless -api names one.
func startAPI(s settings) (*api, error) {
	fake := leedotest.NewServer(leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)) // seconds are too coarse for a short hour
	if s.api != "" {
		return &api{url: s.api, token: fake.Token(), stop: func() {}}, nil
	}
	fake.SetRateLimit(int(leedotest.Free), s.hour)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		server.Serve(listener) // until it is closed
		close(ended)
	}()
	stop := func() {
		server.Close()
		<-ended
	}
	return &api{"http://" + listener.Addr().String() + "/v1", fake.Token(), fake, stop}, nil
}

// summary reports the requests that the fake received.
func (a *api) summary() string {
	if a.fake == nil {
		return ""
	}
	requests, rejected := a.fake.Requests(), 0
	for _, r := range requests {
		if r.Status == http.StatusTooManyRequests {
			rejected++
		}
	}
	return fmt.Sprintf("The fake received %d requests and rejected %d with 429.", len(requests), rejected)
}
