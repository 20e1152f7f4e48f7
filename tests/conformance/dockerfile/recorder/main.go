// Command recorder converts the Dockerfiles of the folder that it is given with BuildKit's own
// dockerfile2llb and prints, as one JSON object by file name, what comes out: definition and image
// config, or the error and its line. "recorder serve RESOLVER" stays and answers requests instead,
// and "recorder ask" questions to the packages that the conversion stands on.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

type options struct {
	Target    string            `json:"target"`
	BuildArgs map[string]string `json:"build_args"`
	Labels    map[string]string `json:"labels"`
	Platform  string            `json:"platform"`
	Builds    []string          `json:"build_platforms"`
	NoCache   *string           `json:"no_cache"`
	Ignore    string            `json:"ignore"`
	Options   map[string]string `json:"options"`
}

type recorded struct {
	Definition []byte `json:"definition,omitempty"`
	Config     string `json:"config,omitempty"`
	Error      string `json:"error,omitempty"`
	Line       int    `json:"line,omitempty"`
}

type images map[string]string

func (i images) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, ok := i[ref]
	if !ok {
		config = i["*"]
	}
	return ref, digest.FromString(ref), []byte(config), nil
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "ask" {
		questions()
		return
	}
	folder := os.Args[1]
	var configs images
	read(filepath.Join(folder, "images.json"), &configs)
	given := map[string]options{}
	read(filepath.Join(folder, "options.json"), &given)
	files, err := filepath.Glob(filepath.Join(folder, "*.Dockerfile"))
	check(err)
	out := map[string]recorded{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".Dockerfile")
		data, err := os.ReadFile(file)
		check(err)
		out[name] = convert(data, given[name], configs)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	check(encoder.Encode(out))
}

func convert(data []byte, given options, configs images) recorded {
	return convertWith(data, given, configs, nil)
}

func convertWith(data []byte, given options, resolver llb.ImageMetaResolver, warn linter.LintWarnFunc) recorded {
	ctx := context.Background()
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	caps := pb.Caps.CapSet(pb.Caps.All())
	opt := dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildArgs:        given.BuildArgs,
			Labels:           given.Labels,
			Target:           given.Target,
			GitAdvice:        given.BuildArgs["BUILDKIT_GIT_ADVICE"] == "1",
			CacheIDNamespace: given.BuildArgs["BUILDKIT_CACHE_MOUNT_NS"],
			BuildPlatforms:   []ocispecs.Platform{platform},
		},
		MetaResolver: resolver,
		Warn:         warn,
		LLBCaps:      &caps,
		SourceMap:    llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", data),
	}
	for _, each := range given.Builds {
		opt.BuildPlatforms = append(opt.BuildPlatforms, platforms.MustParse(each))
	}
	if given.Platform != "" {
		target := platforms.Normalize(platforms.MustParse(given.Platform))
		opt.TargetPlatform = &target
	}
	if given.NoCache != nil || given.Ignore != "" {
		client, err := newClient(given)
		check(err)
		opt.Client = client
	}
	if err := settleProcesses(given.Options, &opt); err != nil {
		return recorded{Error: err.Error()}
	}
	result, err := dockerfile2llb.Dockerfile2LLB(ctx, data, opt)
	if err != nil {
		line := 0
		var location *parser.LocationError
		if errors.As(err, &location) && len(location.Locations) > 0 && len(location.Locations[0]) > 0 {
			line = location.Locations[0][0].Start.Line
		}
		return recorded{Error: err.Error(), Line: line}
	}
	definition, err := result.State.Marshal(ctx, llb.LocalUniqueID("unique"))
	if err != nil {
		return recorded{Error: err.Error()}
	}
	numberGroups(definition)
	encoded, err := definition.ToPB().Marshal()
	check(err)
	config, err := json.Marshal(result.Image)
	check(err)
	return recorded{Definition: encoded, Config: string(config)}
}

func read(path string, into any) {
	data, err := os.ReadFile(path)
	check(err)
	check(json.Unmarshal(data, into))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
