package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// result is what a scenario saw; which fields it fills depends on the scenario.
type result struct {
	Answers  []string            `json:"answers,omitempty"`
	Count    int                 `json:"count"`
	Size     int                 `json:"size"`
	Seconds  float64             `json:"seconds"`
	Code     uint32              `json:"code"`
	Message  string              `json:"message,omitempty"`
	Details  []string            `json:"details,omitempty"`
	Metadata map[string][]string `json:"metadata,omitempty"`
}

type scenario func(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error

var scenarios = map[string]scenario{
	"echo": unary, "collect": upload, "produce": download, "chat": converse,
	"fail": failing, "sleep": waiting, "metadata": described,
	"concurrent": concurrent, "gzip": compressed, "cancel": cancelled, "unknown": unknown,
}

func call(name string, args []string, pipe *stdioConn) error {
	run, ok := scenarios[name]
	if !ok {
		return fmt.Errorf("unknown scenario %q", name)
	}
	conn, err := grpc.NewClient("passthrough:///stdio",
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return pipe, nil }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(raw{}),
			grpc.MaxCallRecvMsgSize(messageLimit),
			grpc.MaxCallSendMsgSize(messageLimit),
		),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	got := &result{}
	start := time.Now()
	err = run(context.Background(), conn, args, got)
	got.Seconds = time.Since(start).Seconds()
	answer := status.Convert(err)
	got.Code, got.Message = uint32(answer.Code()), answer.Message()
	for _, detail := range answer.Proto().GetDetails() {
		got.Details = append(got.Details, string(detail.GetValue()))
	}
	return json.NewEncoder(os.Stderr).Encode(got)
}

func invoke(ctx context.Context, conn *grpc.ClientConn, method, request string, got *result, options ...grpc.CallOption) error {
	in, out := []byte(request), []byte(nil)
	err := conn.Invoke(ctx, "/tunnel.Test/"+method, &in, &out, options...)
	if err == nil {
		got.Answers = append(got.Answers, string(out))
	}
	return err
}

func open(ctx context.Context, conn *grpc.ClientConn, method string) (grpc.ClientStream, error) {
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	return conn.NewStream(ctx, desc, "/tunnel.Test/"+method)
}

func unary(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	return invoke(ctx, conn, "Echo", args[0], got)
}

func unknown(ctx context.Context, conn *grpc.ClientConn, _ []string, got *result) error {
	return invoke(ctx, conn, "Nothing", "", got)
}

func failing(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	return invoke(ctx, conn, "Fail", args[0], got)
}

func compressed(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	return invoke(ctx, conn, "Echo", args[0], got, grpc.UseCompressor(gzip.Name))
}

// waiting asks for an answer after args[0] ms and gives up after args[1] ms.
func waiting(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	limit, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(limit)*time.Millisecond)
	defer cancel()
	return invoke(ctx, conn, "Sleep", args[0], got)
}

func described(ctx context.Context, conn *grpc.ClientConn, _ []string, got *result) error {
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs(
		"dir-name", "context", "patterns", "a", "patterns", "b", "blob-bin", "\x00\xff",
	))
	return invoke(ctx, conn, "Metadata", "", got)
}

// upload sends args[0] messages of args[1] bytes and takes one answer.
func upload(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	count, size, err := numbers(args)
	if err != nil {
		return err
	}
	stream, err := open(ctx, conn, "Collect")
	if err != nil {
		return err
	}
	message := make([]byte, size)
	for range count {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return drain(stream, func(answer []byte) { got.Answers = append(got.Answers, string(answer)) })
}

// download asks for args[0] messages of args[1] bytes and counts them.
func download(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	stream, err := open(ctx, conn, "Produce")
	if err != nil {
		return err
	}
	request := []byte(args[0] + " " + args[1])
	if err := stream.SendMsg(&request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return drain(stream, func(answer []byte) {
		got.Count++
		got.Size += len(answer)
	})
}

// converse sends each argument after the answer to the one before.
func converse(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	stream, err := open(ctx, conn, "Chat")
	if err != nil {
		return err
	}
	for _, text := range args {
		message := []byte(text)
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
		var answer []byte
		if err := stream.RecvMsg(&answer); err != nil {
			return err
		}
		got.Answers = append(got.Answers, string(answer))
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return drain(stream, func([]byte) { got.Count++ })
}

// cancelled gives up a conversation after one answer, then makes a call.
func cancelled(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	given, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := open(given, conn, "Chat")
	if err != nil {
		return err
	}
	message := []byte(args[0])
	if err := stream.SendMsg(&message); err != nil {
		return err
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); err != nil {
		return err
	}
	cancel()
	return invoke(ctx, conn, "Cancelled", "", got)
}

// concurrent makes args[0] unary calls of args[1] bytes at the same time.
func concurrent(ctx context.Context, conn *grpc.ClientConn, args []string, got *result) error {
	count, size, err := numbers(args)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	errs := make([]error, count)
	sizes := make([]int, count)
	for index := range count {
		wait.Go(func() {
			in, out := make([]byte, size), []byte(nil)
			errs[index] = conn.Invoke(ctx, "/tunnel.Test/Echo", &in, &out)
			sizes[index] = len(out)
		})
	}
	wait.Wait()
	for _, size := range sizes {
		got.Count++
		got.Size += size
	}
	return errors.Join(errs...)
}

func drain(stream grpc.ClientStream, take func([]byte)) error {
	for {
		var message []byte
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		take(message)
	}
}

func numbers(args []string) (int, int, error) {
	count, err := strconv.Atoi(args[0])
	if err != nil {
		return 0, 0, err
	}
	size, err := strconv.Atoi(args[1])
	return count, size, err
}
