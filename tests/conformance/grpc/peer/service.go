package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

const messageLimit = 16 << 20

func serve(kind string, conn *stdioConn) error {
	server := grpc.NewServer(
		grpc.ForceServerCodec(raw{}),
		grpc.UnknownServiceHandler(handle),
		grpc.MaxRecvMsgSize(messageLimit),
		grpc.MaxSendMsgSize(messageLimit),
	)
	switch kind {
	case "grpc":
		if err := server.Serve(&onceListener{conn: conn}); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	case "handler":
		(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{Handler: server})
		return nil
	}
	return fmt.Errorf("unknown server %q", kind)
}

func handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	switch method {
	case "/tunnel.Test/Echo", "/tunnel.Test/Chat":
		return chat(stream)
	case "/tunnel.Test/Collect":
		return collect(stream)
	case "/tunnel.Test/Produce":
		return produce(stream)
	case "/tunnel.Test/Fail":
		return fail(stream)
	case "/tunnel.Test/Sleep":
		return sleep(stream)
	case "/tunnel.Test/Metadata":
		return describe(stream)
	}
	return status.Errorf(codes.Unimplemented, "no such method: %s", method)
}

// chat answers every message with itself.
func chat(stream grpc.ServerStream) error {
	for {
		var message []byte
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
}

// collect answers all messages with their number and the sum of their sizes.
func collect(stream grpc.ServerStream) error {
	count, size := 0, 0
	for {
		var message []byte
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		count++
		size += len(message)
	}
	answer := fmt.Appendf(nil, "%d %d", count, size)
	return stream.SendMsg(&answer)
}

// produce sends as many messages of the size as "count size" asks for.
func produce(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	var count, size int
	if _, err := fmt.Sscanf(string(request), "%d %d", &count, &size); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	message := make([]byte, size)
	for range count {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

type failure struct {
	Code    uint32   `json:"code"`
	Message string   `json:"message"`
	Details []string `json:"details"`
}

// fail ends with the status that the request describes.
func fail(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	var wanted failure
	if err := json.Unmarshal(request, &wanted); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	answer := &spb.Status{Code: int32(wanted.Code), Message: wanted.Message}
	for _, text := range wanted.Details {
		answer.Details = append(answer.Details, &anypb.Any{TypeUrl: "test/text", Value: []byte(text)})
	}
	return status.ErrorProto(answer)
}

// sleep answers after as many milliseconds as the request says.
func sleep(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	count, err := strconv.Atoi(string(request))
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	select {
	case <-time.After(time.Duration(count) * time.Millisecond):
		return stream.SendMsg(&request)
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// describe answers with the metadata it got.
func describe(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	values, _ := metadata.FromIncomingContext(stream.Context())
	answer, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return stream.SendMsg(&answer)
}
