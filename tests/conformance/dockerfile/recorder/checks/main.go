// Command checks builds the Dockerfiles of a folder with BuildKit's own Dockerfile frontend, on a
// daemon of its own that runs nothing. It prints, as one JSON object by file name, the warnings and
// the error of the build, and the answers to the requests that clients may send instead of it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/builder"
)

var usual = []string{"frontend.lint", "frontend.outline", "frontend.targets"}

// given is what options.json says of a case; Requests are those that are sent if not the usual.
type given struct {
	Options  map[string]string `json:"options"`
	Ignore   string            `json:"ignore"`
	Requests []string          `json:"requests"`
}

type recorded struct {
	Warnings []warning                    `json:"warnings,omitempty"`
	Error    string                       `json:"error,omitempty"`
	Answers  map[string]map[string]string `json:"answers"`
}

func main() {
	folder := os.Args[1]
	var configs map[string]string
	read(filepath.Join(folder, "images.json"), &configs)
	all := map[string]given{}
	read(filepath.Join(folder, "options.json"), &all)
	files, err := filepath.Glob(filepath.Join(folder, "*.Dockerfile"))
	check(err)
	out := map[string]recorded{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".Dockerfile")
		data, err := os.ReadFile(file)
		check(err)
		out[name] = record(data, all[name], configs)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	check(encoder.Encode(out))
}

func record(data []byte, of given, configs map[string]string) recorded {
	result := recorded{Answers: map[string]map[string]string{}}
	d := newDaemon(data, of, configs)
	_, err := builder.Build(context.Background(), d)
	result.Warnings = d.warnings
	if err != nil {
		result.Error = err.Error()
	}
	requests := usual
	if of.Requests != nil {
		requests = of.Requests
	}
	for _, id := range requests {
		result.Answers[id] = ask(id, newDaemon(data, of, configs))
	}
	return result
}

// ask returns the answer to a request, or why there is none. Go's frontend crashes when it is to
// list the targets of a file that has settings of the checks above an instruction.
func ask(id string, d *daemon) (answer map[string]string) {
	defer func() {
		if crash := recover(); crash != nil {
			answer = map[string]string{"crash": fmt.Sprint(crash)}
		}
	}()
	d.options["requestid"] = id
	d.options["frontend.caps"] = "moby.buildkit.frontend.subrequests"
	result, err := builder.Build(context.Background(), d)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	answer = map[string]string{}
	for key, value := range result.Metadata {
		answer[key] = string(value)
	}
	return answer
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
