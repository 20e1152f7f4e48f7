package main

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// step is what every step can be told besides what it does.
type step struct {
	Name          *string           `json:"name"`
	Description   map[string]string `json:"description"`
	IgnoreCache   bool              `json:"ignore_cache"`
	ExportCache   *bool             `json:"export_cache"`
	ProgressGroup *struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Weak bool   `json:"weak"`
	} `json:"progress_group"`
	Resources     *resources `json:"resources"`
	Locations     []location `json:"locations"`
	WorkerFilters []string   `json:"worker_filters"`
}

type resources struct {
	Memory     int64  `json:"memory"`
	MemorySwap int64  `json:"memory_swap"`
	CPUShares  uint64 `json:"cpu_shares"`
	CPUPeriod  uint64 `json:"cpu_period"`
	CPUQuota   int64  `json:"cpu_quota"`
	CpusetCpus string `json:"cpuset_cpus"`
	CpusetMems string `json:"cpuset_mems"`
}

// location is a file of the program and ranges of line, last line, character and
// last character.
type location struct {
	File   int        `json:"file"`
	Ranges [][4]int32 `json:"ranges"`
}

// predefined are the platforms for which Go has an option of its own.
var predefined = map[string]llb.ConstraintsOpt{
	"linux/amd64/": llb.LinuxAmd64, "linux/arm/v7": llb.LinuxArmhf, "linux/arm/v6": llb.LinuxArmel,
	"linux/arm64/": llb.LinuxArm64, "linux/s390x/": llb.LinuxS390x, "linux/ppc64/": llb.LinuxPpc64,
	"linux/ppc64le/": llb.LinuxPpc64le, "linux/riscv64/": llb.LinuxRiscv64, "darwin/amd64/": llb.Darwin,
	"windows/amd64/": llb.Windows,
}

func platformOption(of *platform, spelled bool) llb.ConstraintsOpt {
	spec := of.spec()
	named, known := predefined[spec.OS+"/"+spec.Architecture+"/"+spec.Variant]
	if !known || !spelled || spec.OSVersion != "" || spec.OSFeatures != nil {
		return llb.Platform(spec)
	}
	if spec.Variant == "v7" {
		return llb.LinuxArm
	}
	return named
}

// options returns the options of a statement's step.
func (i *interpreter) options(s statement) []llb.ConstraintsOpt {
	var options []llb.ConstraintsOpt
	if s.Step.Description != nil {
		options = append(options, llb.WithDescription(s.Step.Description))
	}
	if name := s.Step.Name; name != nil && s.says(0) {
		options = append(options, llb.WithCustomNamef("%s", *name))
	} else if name != nil {
		options = append(options, llb.WithCustomName(*name))
	}
	if s.Step.IgnoreCache {
		options = append(options, llb.IgnoreCache)
	}
	options = append(options, exportOptions(s)...)
	if group := s.Step.ProgressGroup; group != nil {
		options = append(options, llb.ProgressGroup(group.ID, group.Name, group.Weak))
	}
	if s.Step.Resources != nil {
		options = append(options, s.Step.Resources.options(s.says(2))...)
	}
	for _, each := range s.Step.Locations {
		options = append(options, i.location(each))
	}
	if len(s.Step.WorkerFilters) > 0 {
		options = append(options, llb.Require(s.Step.WorkerFilters...))
	}
	return options
}

func exportOptions(s statement) (options []llb.ConstraintsOpt) {
	if s.says(1) {
		options = append(options, llb.WithoutExportCache(), llb.WithExportCache(), llb.WithoutDefaultExportCache())
	}
	if export := s.Step.ExportCache; export != nil && *export {
		options = append(options, llb.WithExportCache())
	} else if export != nil {
		options = append(options, llb.WithoutExportCache())
	}
	return options
}

func (r resources) options(single bool) []llb.ConstraintsOpt {
	if !single {
		return []llb.ConstraintsOpt{llb.WithLinuxResources(llb.LinuxResources(r))}
	}
	return []llb.ConstraintsOpt{
		llb.MemoryLimit(r.Memory), llb.MemorySwapLimit(r.MemorySwap), llb.CPUShares(r.CPUShares), llb.CPUPeriod(r.CPUPeriod),
		llb.CPUQuota(r.CPUQuota), llb.CpusetCpus(r.CpusetCpus), llb.CpusetMems(r.CpusetMems),
	}
}

func (i *interpreter) location(of location) llb.ConstraintsOpt {
	known, found := i.maps[of.File]
	if !found {
		file := i.program.Files[of.File]
		var state *llb.State
		if file.State != nil {
			state = &i.values[*file.State].state
		}
		known = llb.NewSourceMap(state, file.Name, file.Language, file.Data)
		i.maps[of.File] = known
	}
	var ranges []*pb.Range
	for _, each := range of.Ranges {
		ranges = append(ranges, &pb.Range{
			Start: &pb.Position{Line: each[0], Character: each[2]}, End: &pb.Position{Line: each[1], Character: each[3]},
		})
	}
	return known.Location(ranges)
}

// constraints returns the options of a step as the struct that Go's constructors of
// single operations take, with the capabilities that its other spelling records.
func (i *interpreter) constraints(s statement, needed ...apicaps.CapID) llb.Constraints {
	var made llb.Constraints
	for _, option := range i.options(s) {
		option.SetConstraintsOption(&made)
	}
	for _, each := range needed {
		if made.Metadata.Caps == nil {
			made.Metadata.Caps = map[apicaps.CapID]bool{}
		}
		made.Metadata.Caps[each] = true
	}
	return made
}
