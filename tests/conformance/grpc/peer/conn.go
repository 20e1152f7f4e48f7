package main

import (
	"net"
	"os"
	"sync"
	"time"
)

// stdioConn is stdin and stdout as one connection. Done is closed with it.
type stdioConn struct {
	done chan struct{}
	once sync.Once
}

func newStdioConn() *stdioConn {
	return &stdioConn{done: make(chan struct{})}
}

func (c *stdioConn) Read(p []byte) (int, error) { return os.Stdin.Read(p) }

func (c *stdioConn) Write(p []byte) (int, error) { return os.Stdout.Write(p) }

func (c *stdioConn) Close() error {
	c.once.Do(func() {
		os.Stdin.Close()
		os.Stdout.Close()
		close(c.done)
	})
	return nil
}

func (c *stdioConn) LocalAddr() net.Addr              { return stdioAddr{} }
func (c *stdioConn) RemoteAddr() net.Addr             { return stdioAddr{} }
func (c *stdioConn) SetDeadline(time.Time) error      { return nil }
func (c *stdioConn) SetReadDeadline(time.Time) error  { return nil }
func (c *stdioConn) SetWriteDeadline(time.Time) error { return nil }

type stdioAddr struct{}

func (stdioAddr) Network() string { return "stdio" }
func (stdioAddr) String() string  { return "stdio" }

// onceListener hands out one connection and then waits until that is closed.
type onceListener struct {
	conn *stdioConn
	once sync.Once
}

func (l *onceListener) Accept() (net.Conn, error) {
	var conn net.Conn
	l.once.Do(func() { conn = l.conn })
	if conn != nil {
		return conn, nil
	}
	<-l.conn.done
	return nil, net.ErrClosed
}

func (l *onceListener) Close() error   { return nil }
func (l *onceListener) Addr() net.Addr { return stdioAddr{} }
