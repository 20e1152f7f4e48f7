package main

import (
	"fmt"
	"slices"

	"github.com/moby/buildkit/client/llb"
)

// mount is a mount of any kind; the fields that a kind does not have are absent.
type mount struct {
	Kind         string  `json:"kind"`
	Target       *string `json:"target"`
	Source       *int    `json:"source"`
	Path         string  `json:"path"`
	Readonly     bool    `json:"readonly"`
	Discard      bool    `json:"discard"`
	ContentCache string  `json:"content_cache"`
	ID           *string `json:"id"`
	Sharing      string  `json:"sharing"`
	Size         int64   `json:"size"`
	Env          *string `json:"env"`
	UID          int     `json:"uid"`
	GID          int     `json:"gid"`
	Mode         *int    `json:"mode"`
	Optional     bool    `json:"optional"`
}

type runOptions struct {
	Env            [][2]string `json:"env"`
	Workdir        *string     `json:"workdir"`
	User           *string     `json:"user"`
	Network        *string     `json:"network"`
	Security       *string     `json:"security"`
	ReadonlyRoot   bool        `json:"readonly_root"`
	ValidExitCodes *[]int      `json:"valid_exit_codes"`
	Devices        []struct {
		Name     string `json:"name"`
		Optional bool   `json:"optional"`
	} `json:"devices"`
	Proxy *struct {
		HTTP  string `json:"http_proxy"`
		HTTPS string `json:"https_proxy"`
		FTP   string `json:"ftp_proxy"`
		No    string `json:"no_proxy"`
		All   string `json:"all_proxy"`
	} `json:"proxy"`
}

// execution is a process whose mounts can be asked for; byOp is the form of it that
// was made without State.Run.
type execution struct {
	state llb.ExecState
	byOp  *llb.ExecOp
}

func (e *execution) mounted(s statement) (value, error) {
	if e == nil {
		return value{}, badProgram("mounted() of something that is no run")
	}
	if e.byOp != nil {
		return value{state: llb.NewState(e.byOp.GetMount(s.Target))}, nil
	}
	return value{state: e.state.GetMount(s.Target)}, nil
}

func (i *interpreter) run(s statement) (value, error) {
	var given runOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	before := i.values[s.On]
	settings := append(given.settings(s), arguments(s))
	made := before
	if s.says(5) && onlyTrees(s.Mounts) && given.Devices == nil {
		made.exec = i.runByOp(s, given, settings)
		made = made.with(before.state.WithOutput(made.exec.byOp.Output()))
		return made, nil
	}
	options := settings
	if given.ReadonlyRoot {
		options = append(options, llb.ReadonlyRootFS())
	}
	options = append(options, given.devices()...)
	if given.Proxy != nil {
		options = append(options, llb.WithProxy(given.proxy()))
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	late := s.says(6)
	for _, each := range s.Mounts {
		if !late || !onlyTrees([]mount{each}) {
			options = append(options, i.mountOption(s, each))
		}
	}
	state := before.state.Run(options...)
	for _, each := range s.Mounts {
		if late && onlyTrees([]mount{each}) {
			state.AddMount(*each.Target, i.mountSource(each), each.options()...)
		}
	}
	made.exec = &execution{state: state}
	return made.with(state.Root()), nil
}

func onlyTrees(mounts []mount) bool {
	return !slices.ContainsFunc(mounts, func(m mount) bool { return m.Kind == "secret" || m.Kind == "ssh" })
}

// runByOp makes the operation of a run without State.Run.
func (i *interpreter) runByOp(s statement, given runOptions, settings []llb.RunOption) *execution {
	info := llb.ExecInfo{State: i.values[s.On].state}
	for _, each := range settings {
		each.SetRunOption(&info)
	}
	var proxy *llb.ProxyEnv
	if given.Proxy != nil {
		known := given.proxy()
		proxy = &known
	}
	op := llb.NewExecOp(info.State, proxy, given.ReadonlyRoot, i.constraints(s))
	for _, each := range s.Mounts {
		op.AddMount(*each.Target, i.mountSource(each).Output(), each.options()...)
	}
	return &execution{byOp: op}
}

func arguments(s statement) llb.RunOption {
	switch {
	case s.Command != nil:
		return llb.Args([]string{"/bin/sh", "-c", *s.Command})
	case s.Shlex != nil && s.says(4):
		return llb.Shlexf("%s", *s.Shlex)
	case s.Shlex != nil:
		return llb.Shlex(*s.Shlex)
	default:
		return llb.Args(s.Args)
	}
}

// settings returns the options that change settings for one run.
func (r runOptions) settings(s statement) (options []llb.RunOption) {
	for _, pair := range r.Env {
		options = append(options, llb.With(envOption(s, pair[0], pair[1])))
	}
	if r.Workdir != nil {
		options = append(options, llb.Dir(*r.Workdir))
	}
	if r.User != nil {
		options = append(options, llb.User(*r.User))
	}
	if r.Network != nil {
		options = append(options, llb.Network(networks[*r.Network]))
	}
	if r.Security != nil {
		options = append(options, llb.Security(securities[*r.Security]))
	}
	if r.ValidExitCodes != nil {
		options = append(options, llb.ValidExitCodes(*r.ValidExitCodes...))
	}
	return options
}

func (r runOptions) devices() (options []llb.RunOption) {
	for _, each := range r.Devices {
		device := []llb.CDIDeviceOption{llb.CDIDeviceName(each.Name)}
		if each.Optional {
			device = append(device, llb.CDIDeviceOptional)
		}
		options = append(options, llb.AddCDIDevice(device...))
	}
	return options
}

func (r runOptions) proxy() llb.ProxyEnv {
	return llb.ProxyEnv{
		HTTPProxy: r.Proxy.HTTP, HTTPSProxy: r.Proxy.HTTPS, FTPProxy: r.Proxy.FTP, NoProxy: r.Proxy.No, AllProxy: r.Proxy.All,
	}
}

func (i *interpreter) mountSource(m mount) llb.State {
	if m.Source == nil {
		return llb.Scratch()
	}
	return i.values[*m.Source].state
}

func (i *interpreter) mountOption(s statement, m mount) llb.RunOption {
	switch m.Kind {
	case "secret":
		return secretOption(s, m)
	case "ssh":
		return sshOption(s, m)
	default:
		return llb.AddMount(*m.Target, i.mountSource(m), m.options()...)
	}
}

// options returns those of a mounted tree: a bind, a cache or a tmpfs.
func (m mount) options() (options []llb.MountOption) {
	switch m.Kind {
	case "cache":
		id := path(*m.Target)
		if m.ID != nil {
			id = *m.ID
		}
		sharing := map[string]llb.CacheMountSharingMode{
			"": llb.CacheMountShared, "shared": llb.CacheMountShared,
			"private": llb.CacheMountPrivate, "locked": llb.CacheMountLocked,
		}
		options = append(options, llb.AsPersistentCacheDir(id, sharing[m.Sharing]))
	case "tmpfs":
		options = append(options, llb.Tmpfs(llb.TmpfsSize(m.Size)))
	}
	if m.Path != "" {
		options = append(options, llb.SourcePath(m.Path))
	}
	if m.Readonly {
		options = append(options, llb.Readonly)
	}
	if m.Discard {
		options = append(options, llb.ForceNoOutput)
	}
	contents := map[string]llb.MountContentCache{
		"default": llb.MountContentCacheDefault, "on": llb.MountContentCacheOn, "off": llb.MountContentCacheOff,
	}
	if m.ContentCache != "" {
		options = append(options, llb.ContentCache(contents[m.ContentCache]))
	}
	return options
}

func secretOption(s statement, m mount) llb.RunOption {
	id, target := *m.ID, m.Target
	if target == nil && m.Env == nil {
		file := fmt.Sprintf("/run/secrets/%s", id)
		target = &file
	}
	var options []llb.SecretOption
	if m.Optional {
		options = append(options, llb.SecretOptional)
	}
	mode := 0o400
	if m.Mode != nil {
		mode = *m.Mode
	}
	options = append(options, llb.SecretFileOpt(m.UID, m.GID, mode))
	switch {
	case m.Env != nil && target == nil && s.says(7):
		return llb.AddSecretWithDest(id, m.Env, append(options, llb.SecretAsEnv(true))...)
	case m.Env != nil:
		options = append(options, llb.SecretAsEnvName(*m.Env))
	default:
		options = append(options, llb.SecretAsEnv(false))
	}
	if target != nil && s.says(7) {
		return llb.AddSecret(*target, append(options, llb.SecretID(id))...)
	}
	return llb.AddSecretWithDest(id, target, options...)
}

func sshOption(s statement, m mount) llb.RunOption {
	id := "default"
	if m.ID != nil {
		id = *m.ID
	}
	options := []llb.SSHOption{llb.SSHID(id)}
	target, mode := "", 0o600
	if m.Target != nil {
		target = *m.Target
	}
	if m.Mode != nil {
		mode = *m.Mode
	}
	options = append(options, llb.SSHSocketOpt(target, m.UID, m.GID, mode))
	if s.says(7) {
		options = append(options, llb.SSHSocketTarget(target))
	}
	if m.Optional {
		options = append(options, llb.SSHOptional)
	}
	return llb.AddSSHSocket(options...)
}
