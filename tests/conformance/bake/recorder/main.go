// Records what buildx's bake prints. It reads cases from the file of its first argument: a list of
// objects with a name, files by path, and the arguments of the command. Each runs in an empty
// folder. It writes a list of the printed text or the error of each case to standard output.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/docker/buildx/bake"
	"github.com/docker/buildx/util/buildflags"
)

type bakeCase struct {
	Name        string            `json:"name"`
	Files       map[string]string `json:"files"`
	Read        []string          `json:"read"`
	Targets     []string          `json:"targets"`
	Set         []string          `json:"set"`
	Vars        map[string]string `json:"vars"`
	Environment map[string]string `json:"environment"`
	// Definitions leaves out the checks of `--print` on files and agents.
	Definitions bool `json:"definitions"`
}

type outcome struct {
	Name   string `json:"name"`
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	exitOn(err)
	var cases []bakeCase
	exitOn(json.Unmarshal(text, &cases))
	outcomes := []outcome{}
	for _, c := range cases {
		result := outcome{Name: c.Name}
		if output, err := run(c); err != nil {
			result.Error = err.Error()
		} else {
			result.Output = output
		}
		outcomes = append(outcomes, result)
	}
	printed, err := indented(outcomes)
	exitOn(err)
	fmt.Print(printed)
}

func run(c bakeCase) (output string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	folder, err := os.MkdirTemp("", "bake")
	exitOn(err)
	defer os.RemoveAll(folder)
	exitOn(os.Chdir(folder))
	for name, text := range c.Files {
		exitOn(os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755))
		exitOn(os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	os.Clearenv()
	os.Setenv("HOME", "/home/user")
	for name, value := range c.Environment {
		os.Setenv(name, value)
	}
	return printBake(c)
}

func printBake(c bakeCase) (string, error) {
	files, err := bake.ReadLocalFiles(c.Read, strings.NewReader(c.Files["-"]), nil)
	if err != nil {
		return "", err
	}
	targets := c.Targets
	if len(targets) == 0 {
		targets = []string{"default"}
	}
	defaults := map[string]string{
		"BAKE_CMD_CONTEXT":    "cwd://",
		"BAKE_LOCAL_PLATFORM": platforms.Format(platforms.DefaultSpec()),
	}
	entitlements, _ := bake.ParseEntitlements(nil)
	found, groups, err := bake.ReadTargets(
		context.Background(), files, targets, c.Set, defaults, c.Vars, &entitlements)
	if err != nil {
		return "", err
	}
	if err := prepare(found, c.Definitions); err != nil {
		return "", err
	}
	return indented(struct {
		Group  map[string]*bake.Group  `json:"group,omitempty"`
		Target map[string]*bake.Target `json:"target"`
	}{groups, found})
}

// prepare does what the command does before it prints, which cleans the paths of contexts.
func prepare(targets map[string]*bake.Target, definitions bool) error {
	secrets, agents := map[string]buildflags.Secrets{}, map[string]buildflags.SSHKeys{}
	for name, target := range targets {
		secrets[name], agents[name] = target.Secrets, target.SSH
		if definitions {
			target.Secrets, target.SSH = nil, nil
		}
	}
	_, err := bake.TargetsToBuildOpt(targets, nil)
	for name, target := range targets {
		target.Secrets, target.SSH = secrets[name], agents[name]
	}
	return err
}

func indented(value any) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetIndent("", "  ")
	if _, printed := value.([]outcome); printed {
		encoder.SetEscapeHTML(false)
	}
	err := encoder.Encode(value)
	return buffer.String(), err
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
