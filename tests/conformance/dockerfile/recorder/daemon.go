package main

import (
	"context"
	"slices"

	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	apicaps "github.com/moby/buildkit/util/apicaps/pb"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// daemon answers what a conversion asks of a daemon: the options of the build, and the one file
// that is read besides the Dockerfile.
type daemon struct {
	gateway.Client
	options map[string]string
	ignore  string
}

func newClient(given options) (*dockerui.Client, error) {
	opts := map[string]string{}
	if given.NoCache != nil {
		opts["no-cache"] = *given.NoCache
	}
	return dockerui.NewClient(daemon{options: opts, ignore: given.Ignore})
}

func (d daemon) BuildOpts() gateway.BuildOpts {
	features := slices.DeleteFunc(gatewaypb.Caps.All(), func(each *apicaps.APICap) bool {
		return each.ID == string(gatewaypb.CapFrontendInputs)
	})
	return gateway.BuildOpts{
		Opts:      d.options,
		SessionID: "session",
		Caps:      gatewaypb.Caps.CapSet(features),
		LLBCaps:   pb.Caps.CapSet(pb.Caps.All()),
	}
}

func (d daemon) Solve(context.Context, gateway.SolveRequest) (*gateway.Result, error) {
	result := gateway.NewResult()
	result.SetRef(directory{ignore: d.ignore})
	return result, nil
}

type directory struct {
	gateway.Reference
	ignore string
}

func (d directory) ReadFile(context.Context, gateway.ReadRequest) ([]byte, error) {
	return []byte(d.ignore), nil
}

func (d directory) StatFile(context.Context, gateway.StatRequest) (*fstypes.Stat, error) {
	return &fstypes.Stat{Size: int64(len(d.ignore))}, nil
}
