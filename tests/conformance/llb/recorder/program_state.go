package main

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/llbbuild"
	"github.com/moby/buildkit/solver/pb"
)

var (
	networks   = map[string]pb.NetMode{"sandbox": llb.NetModeSandbox, "host": llb.NetModeHost, "none": llb.NetModeNone}
	securities = map[string]pb.SecurityMode{"sandbox": llb.SecurityModeSandbox, "insecure": llb.SecurityModeInsecure}
	ulimits    = map[string]llb.UlimitName{
		"core": llb.UlimitCore, "cpu": llb.UlimitCPU, "data": llb.UlimitData, "fsize": llb.UlimitFsize,
		"locks": llb.UlimitLocks, "memlock": llb.UlimitMemlock, "msgqueue": llb.UlimitMsgqueue, "nice": llb.UlimitNice,
		"nofile": llb.UlimitNofile, "nproc": llb.UlimitNproc, "rss": llb.UlimitRss, "rtprio": llb.UlimitRtprio,
		"rttime": llb.UlimitRttime, "sigpending": llb.UlimitSigpending, "stack": llb.UlimitStack,
	}
)

// make returns what a statement makes.
func (i *interpreter) make(s statement) (value, error) {
	switch s.Op {
	case "scratch":
		return value{state: llb.Scratch()}, nil
	case "image", "local", "git", "http", "oci_layout", "image_blob", "oci_layout_blob", "source":
		return i.source(s)
	case "run":
		return i.run(s)
	case "mounted":
		return i.values[s.On].exec.mounted(s)
	case "file":
		return i.file(s)
	case "merge", "diff", "passthrough", "output", "requires", "build", "definition":
		return i.combined(s)
	case "with_output":
		before, other := i.values[s.On], i.values[s.Other]
		return before.on(before.state.WithOutput(other.state.Output())), nil
	case "unset_env":
		return i.values[s.On].without(s.Key), nil
	case "image_config":
		before := i.values[s.On]
		state, err := before.state.WithImageConfig([]byte(s.Config))
		return configured(before, state, s.Config), err
	}
	option, err := settingOf(s)
	if err != nil {
		return value{}, err
	}
	before := i.values[s.On]
	made := before.with(option(before.state))
	made.settings = append(slices.Clip(before.settings), setting{env: s.Key, apply: option})
	return made, nil
}

// with returns the value with another state of the same settings and last step.
func (v value) with(state llb.State) value {
	v.state = state
	return v
}

// on returns a state with the settings of v, which is the result of a new step.
func (v value) on(state llb.State) value {
	return value{state: state, settings: v.settings}
}

// without returns the value as if a variable had never been set. Go cannot take a
// variable back, so that all the other settings are made anew.
func (v value) without(key string) value {
	made := v.with(llb.Scratch().WithOutput(v.state.Output()))
	made.settings = nil
	for _, each := range v.settings {
		if each.env != key {
			made.state = each.apply(made.state)
			made.settings = append(made.settings, each)
		}
	}
	return made
}

// configured returns the value after WithImageConfig, as single settings as well.
func configured(before value, state llb.State, config string) value {
	made := before.with(state)
	made.settings = append(slices.Clip(before.settings), setting{apply: func(s llb.State) llb.State {
		s, _ = s.WithImageConfig([]byte(config))
		return s
	}})
	return made
}

func settingOf(s statement) (llb.StateOption, error) {
	var text string
	if s.Value != nil {
		text = *s.Value
	}
	switch s.Op {
	case "env":
		return envOption(s, s.Key, text), nil
	case "workdir":
		return workdirOption(s), nil
	case "user":
		return func(state llb.State) llb.State { return state.User(text) }, nil
	case "hostname", "extra_host", "ulimit", "cgroup_parent":
		return processOption(s, text), nil
	case "platform":
		return func(state llb.State) llb.State { return state.Platform(s.Platform.raw()) }, nil
	case "network":
		return func(state llb.State) llb.State { return state.Network(networks[text]) }, nil
	case "security":
		return func(state llb.State) llb.State { return state.Security(securities[text]) }, nil
	}
	return nil, badProgram(fmt.Sprintf("unknown op %q", s.Op))
}

// processOption returns the setting of what a process has besides its environment. What
// Go knows as an option of a run holds for all runs when the state of one is kept.
func processOption(s statement, text string) llb.StateOption {
	option := map[string]llb.RunOption{
		"hostname":      llb.With(llb.Hostname(text)),
		"extra_host":    llb.AddExtraHost(s.Host, net.ParseIP(s.IP)),
		"ulimit":        llb.AddUlimit(ulimitName(s.Name), s.Soft, s.Hard),
		"cgroup_parent": llb.WithCgroupParent(text),
	}[s.Op]
	return func(state llb.State) llb.State {
		switch {
		case s.says(0):
			info := llb.ExecInfo{State: state}
			option.SetRunOption(&info)
			return info.State
		case s.Op == "hostname":
			return state.Hostname(text)
		case s.Op == "extra_host":
			return state.AddExtraHost(s.Host, net.ParseIP(s.IP))
		case s.Op == "ulimit":
			return state.AddUlimit(ulimitName(s.Name), s.Soft, s.Hard)
		default:
			return state.WithCgroupParent(text)
		}
	}
}

func envOption(s statement, key, text string) llb.StateOption {
	return func(state llb.State) llb.State {
		switch s.Spell & 3 {
		case 0:
			return state.AddEnv(key, text)
		case 1:
			return state.AddEnvf(key, "%s", text)
		case 2:
			return state.With(llb.AddEnv(key, text))
		default:
			return state.With(llb.AddEnvf(key, "%s", text))
		}
	}
}

func workdirOption(s statement) llb.StateOption {
	return func(state llb.State) llb.State {
		switch s.Spell & 3 {
		case 0:
			return state.Dir(s.Path)
		case 1:
			return state.Dirf("%s", s.Path)
		case 2:
			return state.With(llb.Dir(s.Path))
		default:
			return state.With(llb.Dirf("%s", s.Path))
		}
	}
}

func ulimitName(name string) llb.UlimitName {
	if known, found := ulimits[name]; found {
		return known
	}
	return llb.UlimitName(name)
}

func (i *interpreter) states(numbers []int) (states []llb.State) {
	for _, number := range numbers {
		states = append(states, i.values[number].state)
	}
	return states
}

// combined returns what is made out of whole states.
func (i *interpreter) combined(s statement) (value, error) {
	switch s.Op {
	case "merge":
		return i.merged(s), nil
	case "diff":
		lower, upper := i.values[s.On], i.values[s.Other]
		if s.says(3) && lower.state.Output() != nil {
			op := llb.NewDiff(lower.state, upper.state, i.constraints(s))
			return lower.on(lower.state.WithOutput(op.Output())), nil
		}
		made := llb.Diff(lower.state, upper.state, i.options(s)...)
		if lower.state.Output() != nil {
			return lower.on(made), nil
		} else if upper.state.Output() != nil {
			return upper.with(made), nil
		}
		return value{state: made}, nil
	case "passthrough":
		return i.passed(s), nil
	case "output":
		return i.values[s.On].passed[s.Index], nil
	case "requires":
		before := i.values[s.On]
		if !s.says(3) && len(i.options(s)) == 0 {
			return before.on(before.state.Requires(s.ID, i.states(s.Requires)...)), nil
		} else if len(s.Requires) == 0 {
			return before, nil
		}
		s.States = []int{s.On}
		return i.passed(s), nil
	case "build":
		before := i.values[s.On]
		return before.on(i.built(s, before.state)), nil
	default:
		return i.defined(s)
	}
}

func (i *interpreter) merged(s statement) value {
	var given []value
	for _, number := range s.States {
		if i.values[number].state.Output() != nil {
			given = append(given, i.values[number])
		}
	}
	if s.says(3) && len(given) > 1 {
		var states []llb.State
		for _, each := range given {
			states = append(states, each.state)
		}
		op := llb.NewMerge(states, i.constraints(s, pb.CapMergeOp))
		return given[0].on(given[0].state.WithOutput(op.Output()))
	}
	made := llb.Merge(i.states(s.States), i.options(s)...)
	switch len(given) {
	case 0:
		return value{state: made}
	case 1:
		return given[0].with(made)
	default:
		return given[0].on(made)
	}
}

// passed returns the first tree that goes through a passthrough, and with it the others.
func (i *interpreter) passed(s statement) value {
	var inputs []llb.PassthroughInput
	for _, state := range i.states(s.States) {
		inputs = append(inputs, llb.PassthroughInput{State: state, Output: true})
	}
	for _, state := range i.states(s.Requires) {
		inputs = append(inputs, llb.PassthroughInput{State: state})
	}
	op := llb.NewPassthroughOp(s.ID, inputs, i.options(s)...)
	var all []value
	number := 0
	for _, each := range s.States {
		before := i.values[each]
		if before.state.Output() != nil {
			before = before.on(before.state.WithOutput(op.OutputAt(number)))
			number++
		}
		all = append(all, before)
	}
	if s.says(4) && len(all) == 1 && all[0].state.Output() != nil {
		only := llb.NewPassthrough(s.ID, inputs, i.options(s)...)
		all[0].state = i.values[s.States[0]].state.WithOutput(only.Output())
	}
	all[0].passed = all
	return all[0]
}

func (i *interpreter) built(s statement, state llb.State) llb.State {
	var options []llbbuild.BuildOption
	if s.Filename != "" {
		options = append(options, llbbuild.WithFilename(s.Filename))
	}
	for _, each := range i.options(s) {
		options = append(options, llbbuild.WithConstraints(each))
	}
	if s.says(3) {
		return state.WithOutput(llbbuild.NewBuildOp(state.Output(), options...).Output())
	}
	return state.With(llbbuild.Build(options...))
}

// defined returns the state that is read back from a definition.
func (i *interpreter) defined(s statement) (value, error) {
	definition, err := i.marshal(i.values[s.On].state)
	if err != nil {
		return value{}, err
	}
	op, err := llb.NewDefinitionOp(definition.ToPB())
	if err != nil {
		return value{}, err
	}
	if err := op.Validate(context.Background(), llb.NewConstraints()); err != nil {
		return value{}, err
	}
	return value{state: llb.NewState(op.Output())}, nil
}
