// Command program builds and marshals the graphs of ../cases.py with Go's client/llb, and prints the
// seconds of each repetition as a JSON array: "program CASE SIZE REPETITIONS".
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/moby/buildkit/client/llb"
)

func main() {
	build := cases[os.Args[1]]
	size, err := strconv.Atoi(os.Args[2])
	check(err)
	repetitions, err := strconv.Atoi(os.Args[3])
	check(err)
	var seconds []float64
	for range repetitions {
		begin := time.Now()
		definition, err := build(size).Marshal(context.Background(), llb.LinuxAmd64)
		check(err)
		seconds = append(seconds, time.Since(begin).Seconds())
		if len(definition.Def) < 2 {
			check(fmt.Errorf("the definition of %s is empty", os.Args[1]))
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(seconds))
}

var cases = map[string]func(int) llb.State{
	"chain":      chain,
	"reassigned": reassigned,
	"growing":    growing,
	"merged":     merged,
	"real":       real,
}

// chain builds a chain of runs, each with its own environment variable.
func chain(size int) llb.State {
	state := llb.Image("docker.io/library/alpine:latest")
	for number := range size {
		state = state.Run(
			llb.Args([]string{"make", strconv.Itoa(number)}),
			llb.AddEnv("STEP", strconv.Itoa(number)),
		).Root()
	}
	return state
}

// reassigned builds a chain of runs; before each, the same variable of the state changes.
func reassigned(size int) llb.State {
	state := llb.Image("docker.io/library/alpine:latest")
	for number := range size {
		state = state.AddEnv("STEP", strconv.Itoa(number)).
			Run(llb.Args([]string{"make", strconv.Itoa(number)})).Root()
	}
	return state
}

// growing builds a chain of runs; before each, the state gets one more variable.
func growing(size int) llb.State {
	state := llb.Image("docker.io/library/alpine:latest")
	for number := range size {
		state = state.AddEnv("STEP_"+strconv.Itoa(number), "1").
			Run(llb.Args([]string{"make", strconv.Itoa(number)})).Root()
	}
	return state
}

// merged builds parallel runs on one image, and merges their results.
func merged(size int) llb.State {
	base := llb.Image("docker.io/library/alpine:latest")
	states := make([]llb.State, size)
	for number := range size {
		states[number] = base.Run(llb.Args([]string{"make", strconv.Itoa(number)})).Root()
	}
	return llb.Merge(states)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
