package main

import (
	"context"
	"maps"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// daemon answers what the frontend asks of a daemon, and keeps what it is warned of.
type daemon struct {
	gateway.Client
	options  map[string]string
	files    map[string][]byte
	configs  map[string]string
	warnings []warning
}

// warning is what the daemon is told, as the client of a build sees it.
type warning struct {
	Digest     digest.Digest `json:"digest"`
	Level      int           `json:"level"`
	Short      string        `json:"short"`
	Detail     []string      `json:"detail"`
	URL        string        `json:"url"`
	Filename   string        `json:"filename"`
	Language   string        `json:"language"`
	Definition int           `json:"definition"`
	Lines      [][2]int32    `json:"lines"`
}

func newDaemon(data []byte, of given, configs map[string]string) *daemon {
	files := map[string][]byte{"Dockerfile": data}
	if of.Ignore != "" {
		files[".dockerignore"] = []byte(of.Ignore)
	}
	options := maps.Clone(of.Options)
	if options == nil {
		options = map[string]string{}
	}
	return &daemon{options: options, files: files, configs: configs}
}

func (d *daemon) BuildOpts() gateway.BuildOpts {
	return gateway.BuildOpts{
		Opts:      d.options,
		SessionID: "session",
		Workers: []gateway.WorkerInfo{
			{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}},
		},
		Caps:    gatewaypb.Caps.CapSet(gatewaypb.Caps.All()),
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
	}
}

func (d *daemon) Inputs(context.Context) (map[string]llb.State, error) {
	return nil, nil
}

func (d *daemon) Solve(context.Context, gateway.SolveRequest) (*gateway.Result, error) {
	result := gateway.NewResult()
	result.SetRef(tree{files: d.files})
	return result, nil
}

func (d *daemon) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, ok := d.configs[ref]
	if !ok {
		config = d.configs["*"]
	}
	return ref, digest.FromString(ref), []byte(config), nil
}

func (d *daemon) Warn(_ context.Context, dgst digest.Digest, msg string, opts gateway.WarnOpts) error {
	w := warning{
		Digest:     dgst,
		Level:      opts.Level,
		Short:      msg,
		URL:        opts.URL,
		Filename:   opts.SourceInfo.Filename,
		Language:   opts.SourceInfo.Language,
		Definition: len(opts.SourceInfo.Definition.Def),
		Lines:      [][2]int32{},
	}
	for _, line := range opts.Detail {
		w.Detail = append(w.Detail, string(line))
	}
	for _, each := range opts.Range {
		w.Lines = append(w.Lines, [2]int32{each.Start.Line, each.End.Line})
	}
	d.warnings = append(d.warnings, w)
	return nil
}

// tree is a result that holds the files of the client.
type tree struct {
	gateway.Reference
	files map[string][]byte
}

func (t tree) ReadFile(_ context.Context, request gateway.ReadRequest) ([]byte, error) {
	data, ok := t.files[request.Filename]
	if !ok {
		return nil, os.ErrNotExist
	}
	return data, nil
}

func (t tree) StatFile(_ context.Context, request gateway.StatRequest) (*fstypes.Stat, error) {
	data, ok := t.files[request.Path]
	if !ok {
		return nil, os.ErrNotExist
	}
	return &fstypes.Stat{Path: request.Path, Size: int64(len(data))}, nil
}
