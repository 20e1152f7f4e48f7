package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	caps "github.com/moby/buildkit/util/apicaps/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// program is a graph written as statements, each of which makes one state out of
// earlier ones; the result is the last. programs.py runs the same ones.
type program struct {
	Platform *platform    `json:"platform"`
	Unique   string       `json:"unique"`
	Caps     *[]string    `json:"caps"`
	Filters  []string     `json:"filters"`
	Files    []sourceFile `json:"files"`
	States   []statement  `json:"states"`
}

type platform struct {
	OS           string   `json:"os"`
	Architecture string   `json:"architecture"`
	Variant      string   `json:"variant"`
	OSVersion    string   `json:"os_version"`
	OSFeatures   []string `json:"os_features"`
}

type sourceFile struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	Data     []byte `json:"data"`
	State    *int   `json:"state"`
}

// statement holds the fields of every kind of statement. Spell chooses among the
// ways in which Go can say the same.
type statement struct {
	Op       string          `json:"op"`
	Spell    int             `json:"spell"`
	On       int             `json:"on"`
	Other    int             `json:"other"`
	States   []int           `json:"states"`
	Requires []int           `json:"requires"`
	Index    int             `json:"index"`
	Ref      string          `json:"ref"`
	URL      string          `json:"url"`
	Name     string          `json:"name"`
	ID       string          `json:"id"`
	Key      string          `json:"key"`
	Value    *string         `json:"value"`
	Path     string          `json:"path"`
	Host     string          `json:"host"`
	IP       string          `json:"ip"`
	Target   string          `json:"target"`
	Soft     int64           `json:"soft"`
	Hard     int64           `json:"hard"`
	Platform *platform       `json:"platform"`
	Filename string          `json:"filename"`
	Config   string          `json:"config"`
	Args     []string        `json:"args"`
	Command  *string         `json:"command"`
	Shlex    *string         `json:"shlex"`
	Mounts   []mount         `json:"mounts"`
	Actions  []action        `json:"actions"`
	Options  json.RawMessage `json:"options"`
	Step     step            `json:"step"`
}

// says reports whether the statement asks for the spelling of this number.
func (s statement) says(number int) bool {
	return s.Spell>>number&1 == 1
}

// value is what a statement made: a state, and what can be asked of its last step.
type value struct {
	state    llb.State
	settings []setting
	exec     *execution
	passed   []value
}

// setting is one change of a state's settings; env is the variable that it sets.
type setting struct {
	env   string
	apply llb.StateOption
}

type interpreter struct {
	program program
	values  []value
	maps    map[int]*llb.SourceMap
}

type answer struct {
	Definition []byte            `json:"definition"`
	Head       string            `json:"head"`
	Settings   map[string]string `json:"settings"`
	Env        []string          `json:"env"`
}

// servePrograms answers each line of input with the definition that the program on
// it makes, {"error": …} where Go refuses it, or {"bad": …} where it is no program.
func servePrograms(input io.Reader, output io.Writer) error {
	lines := bufio.NewReader(input)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		reply, err := json.Marshal(respond(line))
		if err != nil {
			return err
		}
		if _, err := output.Write(append(reply, '\n')); err != nil {
			return err
		}
	}
}

func respond(line []byte) (reply any) {
	// Go panics where it has no tree to build from; a caller sees that as a refusal.
	defer func() {
		if failure := recover(); failure != nil {
			reply = map[string]string{"error": fmt.Sprint("panic: ", failure)}
		}
	}()
	run := &interpreter{maps: map[int]*llb.SourceMap{}}
	if err := decode(line, &run.program); err != nil {
		return map[string]string{"bad": err.Error()}
	}
	for number, each := range run.program.States {
		made, err := run.make(each)
		if bad, isBad := err.(badProgram); isBad {
			return map[string]string{"bad": fmt.Sprintf("statement %d: %s", number, bad)}
		} else if err != nil {
			return map[string]string{"error": fmt.Sprintf("statement %d: %s", number, err)}
		}
		run.values = append(run.values, made)
	}
	made, err := run.answer(run.values[len(run.values)-1].state)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return made
}

// badProgram is a mistake in a program, not something that Go's llb refuses.
type badProgram string

func (b badProgram) Error() string { return string(b) }

// decode reads JSON and refuses fields that the value does not have.
func decode(data []byte, into any) error {
	if len(data) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return badProgram(err.Error())
	}
	return nil
}

func (p *platform) raw() ocispecs.Platform {
	return ocispecs.Platform{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
	}
}

func (p *platform) spec() ocispecs.Platform { return platforms.Normalize(p.raw()) }

// marshal returns the definition of a state under the options of the program, which
// come after defaults of the state.
func (i *interpreter) marshal(state llb.State) (*llb.Definition, error) {
	state = state.SetMarshalDefaults(llb.LinuxArm64, llb.LocalUniqueID("replaced"))
	return state.Marshal(context.Background(), i.marshalOptions()...)
}

func (i *interpreter) marshalOptions() []llb.ConstraintsOpt {
	options := []llb.ConstraintsOpt{
		llb.LinuxAmd64, llb.LocalUniqueID(i.program.Unique), llb.Require(i.program.Filters...),
	}
	if i.program.Platform != nil {
		options = append(options, llb.Platform(i.program.Platform.spec()))
	}
	if i.program.Caps != nil {
		var offered []*caps.APICap
		for _, id := range *i.program.Caps {
			offered = append(offered, &caps.APICap{ID: id, Enabled: true})
		}
		var set apicaps.CapSet = pb.Caps.CapSet(offered)
		options = append(options, llb.WithCaps(set))
	}
	return options
}

func (i *interpreter) answer(state llb.State) (*answer, error) {
	definition, err := i.marshal(state)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if err := llb.WriteTo(definition, &data); err != nil {
		return nil, err
	}
	read, err := llb.ReadFrom(bytes.NewReader(data.Bytes()))
	if err != nil {
		return nil, err
	}
	head, err := read.Head()
	if err != nil {
		return nil, err
	}
	settings, env, err := settingsOf(state)
	return &answer{Definition: data.Bytes(), Head: head.String(), Settings: settings, Env: env}, err
}

// settingsOf returns what can be asked of a state in Go.
func settingsOf(state llb.State) (map[string]string, []string, error) {
	ctx := context.Background()
	var env *llb.EnvList
	env, err := state.Env(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, key := range env.Keys() {
		got, found, err := state.GetEnv(ctx, key)
		if known, _ := env.Get(key); err != nil || !found || got != known {
			return nil, nil, fmt.Errorf("variable %q is %q and %q (%w)", key, got, known, err)
		}
	}
	dir, err := state.GetDir(ctx)
	if err != nil {
		return nil, nil, err
	}
	hostname, err := state.GetHostname(ctx)
	if err != nil {
		return nil, nil, err
	}
	network, err := state.GetNetwork(ctx)
	if err != nil {
		return nil, nil, err
	}
	security, err := state.GetSecurity(ctx)
	if err != nil {
		return nil, nil, err
	}
	platform, err := state.GetPlatform(ctx)
	if err != nil {
		return nil, nil, err
	}
	settings := map[string]string{
		"cwd": dir, "hostname": hostname, "network": network.String(), "security": security.String(),
	}
	if platform != nil {
		settings["platform"] = platforms.FormatAll(*platform)
	}
	return settings, env.ToArray(), nil
}
