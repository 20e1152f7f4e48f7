package main

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	digest "github.com/opencontainers/go-digest"
)

// settleProcesses reads the frontend's options that hold for every RUN.
func settleProcesses(given map[string]string, opt *dockerfile2llb.ConvertOpt) error {
	if len(given) == 0 {
		return nil
	}
	client, err := dockerui.NewClient(daemon{options: given})
	if err != nil {
		return err
	}
	opt.CgroupParent = client.CgroupParent
	opt.ExtraHosts = client.ExtraHosts
	opt.Hostname = client.Hostname
	opt.LinuxResources = client.LinuxResources
	opt.NetworkMode = client.NetworkMode
	opt.ShmSize = client.ShmSize
	opt.Ulimits = client.Ulimits
	return nil
}

// numberGroups replaces the random ids of progress groups by numbers, in the order of operations.
func numberGroups(definition *llb.Definition) {
	names := map[string]string{}
	for _, op := range definition.Def {
		metadata := definition.Metadata[digest.FromBytes(op)]
		if metadata.ProgressGroup == nil {
			continue
		}
		id := metadata.ProgressGroup.Id
		if _, ok := names[id]; !ok {
			names[id] = fmt.Sprintf("group-%d", len(names)+1)
		}
		metadata.ProgressGroup.Id = names[id]
	}
}
