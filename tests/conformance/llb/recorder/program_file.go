package main

import (
	"fmt"
	"os"
	posix "path"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
)

// action is a file action of any kind. Mode is a number or a text, and created counts
// microseconds.
type action struct {
	Kind       string   `json:"kind"`
	Path       string   `json:"path"`
	Src        string   `json:"src"`
	Dest       string   `json:"dest"`
	Source     int      `json:"source"`
	Mode       any      `json:"mode"`
	Data       []byte   `json:"data"`
	Owner      *string  `json:"owner"`
	Created    *int64   `json:"created"`
	Parents    bool     `json:"parents"`
	NotFound   bool     `json:"allow_not_found"`
	Wildcard   *bool    `json:"wildcard"`
	Include    []string `json:"include"`
	Exclude    []string `json:"exclude"`
	Required   []string `json:"required"`
	Follow     bool     `json:"follow_symlinks"`
	Contents   *bool    `json:"contents_only"`
	Unpack     bool     `json:"unpack"`
	CreateDest *bool    `json:"create_dest_path"`
	AllowEmpty bool     `json:"allow_empty_wildcard"`
	Replace    bool     `json:"replace"`
}

// path is Go's shortest form of a path, which is the id of a cache that has none.
func path(text string) string { return posix.Clean(text) }

func (i *interpreter) file(s statement) (value, error) {
	before := i.values[s.On]
	var actions *llb.FileAction
	for _, each := range s.Actions {
		var err error
		if actions, err = i.action(s, actions, each); err != nil {
			return value{}, err
		}
	}
	state := before.state
	if s.says(8) {
		state = state.WithOutput(llb.NewFileOp(state, actions, i.constraints(s)).Output())
	} else {
		state = state.File(actions, i.options(s)...)
	}
	return before.with(state), nil
}

func (i *interpreter) action(s statement, after *llb.FileAction, a action) (*llb.FileAction, error) {
	mode := func(otherwise os.FileMode) os.FileMode {
		if number, ok := a.Mode.(float64); ok {
			return os.FileMode(number)
		}
		return otherwise
	}
	switch {
	case a.Kind == "copy":
		return i.copied(s, after, a), nil
	case a.Kind == "mkdir" && after == nil:
		return llb.Mkdir(a.Path, mode(0o755), a.mkdirOptions(s.says(9))...), nil
	case a.Kind == "mkdir":
		return after.Mkdir(a.Path, mode(0o755), a.mkdirOptions(s.says(9))...), nil
	case a.Kind == "mkfile" && after == nil:
		return llb.Mkfile(a.Path, mode(0o644), a.Data, a.mkfileOptions(s.says(9))...), nil
	case a.Kind == "mkfile":
		return after.Mkfile(a.Path, mode(0o644), a.Data, a.mkfileOptions(s.says(9))...), nil
	case a.Kind == "symlink" && after == nil:
		return llb.Symlink(a.Path, a.Dest, a.symlinkOptions(s.says(9))...), nil
	case a.Kind == "symlink":
		return after.Symlink(a.Path, a.Dest, a.symlinkOptions(s.says(9))...), nil
	case a.Kind == "rm" && after == nil:
		return llb.Rm(a.Path, a.rmOptions(s.says(9))...), nil
	case a.Kind == "rm":
		return after.Rm(a.Path, a.rmOptions(s.says(9))...), nil
	}
	return nil, badProgram(fmt.Sprintf("unknown action %q", a.Kind))
}

// owner returns the option that sets the owner; pointer is the same as a struct.
func (a action) owner() (llb.ChownOption, *llb.ChownOpt) {
	if a.Owner == nil {
		return nil, nil
	}
	option := llb.WithUser(*a.Owner)
	var uid, gid int
	if count, err := fmt.Sscanf(strings.Replace(*a.Owner, ":", " ", 1), "%d %d", &uid, &gid); err == nil && count == 2 &&
		fmt.Sprintf("%d:%d", uid, gid) == *a.Owner && uid >= 0 && gid >= 0 && uid < 1<<31 && gid < 1<<31 {
		option = llb.WithUIDGID(uid, gid)
	}
	known := option.(llb.ChownOpt)
	return option, &known
}

func (a action) time() *time.Time {
	if a.Created == nil {
		return nil
	}
	known := time.UnixMicro(*a.Created)
	return &known
}

func (a action) mkdirOptions(whole bool) (options []llb.MkdirOption) {
	owner, known := a.owner()
	if whole {
		return []llb.MkdirOption{&llb.MkdirInfo{MakeParents: a.Parents, ChownOpt: known, CreatedTime: a.time()}}
	}
	options = append(options, llb.WithParents(a.Parents))
	if owner != nil {
		options = append(options, owner)
	}
	if created := a.time(); created != nil {
		options = append(options, llb.WithCreatedTime(*created))
	}
	return options
}

func (a action) mkfileOptions(whole bool) (options []llb.MkfileOption) {
	owner, known := a.owner()
	if whole {
		return []llb.MkfileOption{&llb.MkfileInfo{ChownOpt: known, CreatedTime: a.time()}}
	}
	if owner != nil {
		options = append(options, owner)
	}
	if created := a.time(); created != nil {
		options = append(options, llb.WithCreatedTime(*created))
	}
	return options
}

func (a action) symlinkOptions(whole bool) (options []llb.SymlinkOption) {
	owner, known := a.owner()
	if whole {
		return []llb.SymlinkOption{&llb.SymlinkInfo{ChownOpt: known, CreatedTime: a.time()}}
	}
	if owner != nil {
		options = append(options, owner)
	}
	if created := a.time(); created != nil {
		options = append(options, llb.WithCreatedTime(*created))
	}
	return options
}

func (a action) rmOptions(whole bool) []llb.RmOption {
	wildcard := a.Wildcard != nil && *a.Wildcard
	if whole {
		return []llb.RmOption{&llb.RmInfo{AllowNotFound: a.NotFound, AllowWildcard: wildcard}}
	}
	return []llb.RmOption{llb.WithAllowNotFound(a.NotFound), llb.WithAllowWildcard(wildcard)}
}

func (i *interpreter) copied(s statement, after *llb.FileAction, a action) *llb.FileAction {
	var source llb.CopyInput = i.values[a.Source].state
	from := a.Src
	if from == "" {
		from = "/"
	}
	if after == nil {
		return llb.Copy(source, from, a.Dest, a.copyOptions(s.says(9))...)
	}
	return after.Copy(source, from, a.Dest, a.copyOptions(s.says(9))...)
}

func (a action) copyOptions(whole bool) []llb.CopyOption {
	yes := func(flag *bool) bool { return flag == nil || *flag }
	info := &llb.CopyInfo{
		FollowSymlinks: a.Follow, CopyDirContentsOnly: yes(a.Contents), IncludePatterns: a.Include, RequiredPaths: a.Required,
		AttemptUnpack: a.Unpack, CreateDestPath: yes(a.CreateDest), AllowWildcard: yes(a.Wildcard),
		AllowEmptyWildcard: a.AllowEmpty, AlwaysReplaceExistingDestPaths: a.Replace,
	}
	var mode *llb.ChmodOpt
	switch given := a.Mode.(type) {
	case string:
		mode = &llb.ChmodOpt{ModeStr: given}
	case float64:
		mode = &llb.ChmodOpt{Mode: os.FileMode(given)}
	}
	owner, known := a.owner()
	if whole {
		info.Mode, info.ChownOpt, info.CreatedTime, info.ExcludePatterns = mode, known, a.time(), a.Exclude
		return []llb.CopyOption{info}
	}
	options := []llb.CopyOption{info, llb.WithExcludePatterns(a.Exclude)}
	if mode != nil {
		options = append(options, *mode)
	}
	if owner != nil {
		options = append(options, owner)
	}
	if created := a.time(); created != nil {
		options = append(options, llb.WithCreatedTime(*created))
	}
	return options
}
