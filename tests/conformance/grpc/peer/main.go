// Command peer is the other end of the tunnel's conformance tests: the same
// small service and its callers, on grpc-go, over stdin and stdout.
//
//	peer serve grpc           grpc-go's own HTTP/2 server
//	peer serve handler        net/http2 with the gRPC server as its handler,
//	                          which is how BuildKit serves its frontends
//	peer call SCENARIO ARGS   one scenario; its result goes to stderr as JSON
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: peer serve grpc|handler, peer call SCENARIO [ARG...]")
	}
	switch args[0] {
	case "serve":
		return serve(args[1], newStdioConn())
	case "call":
		return call(args[1], args[2:], newStdioConn())
	}
	return fmt.Errorf("unknown command %q", args[0])
}
