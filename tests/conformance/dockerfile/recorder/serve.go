package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// request names a file, or holds its content in base64.
type request struct {
	File    string  `json:"file"`
	Data    *string `json:"data"`
	Options options `json:"options"`
}

// answer has the shape of a line of "llb dockerfile convert --jsonl".
type answer struct {
	File       string          `json:"file"`
	OK         bool            `json:"ok"`
	Ops        int             `json:"ops"`
	Definition []byte          `json:"definition"`
	Config     json.RawMessage `json:"config,omitempty"`
	Warnings   []warning       `json:"warnings"`
	Error      string          `json:"error,omitempty"`
	Line       *int            `json:"line"`
	Seconds    float64         `json:"seconds"`
}

type warning struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// table resolves images as a resolver file says.
type table map[string]struct {
	Digest digest.Digest `json:"digest"`
	Config string        `json:"config"`
}

func (t table) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	found, ok := t[ref]
	if !ok {
		found, ok = t["*"]
	}
	if !ok {
		return "", "", nil, fmt.Errorf("there is no image %s", ref)
	}
	return ref, found.Digest, []byte(found.Config), nil
}

// serve answers requests, one a line, until there are no more.
func serve(resolver string) {
	var images table
	read(resolver, &images)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		check(err)
		var asked request
		check(json.Unmarshal(line, &asked))
		check(encoder.Encode(reply(asked, images)))
	}
}

func reply(asked request, images table) (given answer) {
	given = answer{File: asked.File, Warnings: []warning{}}
	defer func() {
		if reason := recover(); reason != nil {
			given.Error = fmt.Sprintf("panic: %v", reason)
		}
	}()
	data, err := content(asked)
	if err != nil {
		given.Error = err.Error()
		return given
	}
	// Images are resolved side by side, and each may warn.
	var lock sync.Mutex
	warn := func(rule, _, _, message string, place []parser.Range) {
		line := 0
		if len(place) > 0 {
			line = place[0].Start.Line
		}
		lock.Lock()
		defer lock.Unlock()
		given.Warnings = append(given.Warnings, warning{Rule: rule, Message: message, Line: line})
	}
	begin := time.Now()
	result := convertWith(data, asked.Options, images, warn)
	given.Seconds = time.Since(begin).Seconds()
	if result.Error != "" {
		given.Error = result.Error
		if result.Line > 0 {
			given.Line = &result.Line
		}
		return given
	}
	var definition pb.Definition
	check(definition.UnmarshalVT(result.Definition))
	given.OK, given.Ops = true, len(definition.Def)
	given.Definition, given.Config = result.Definition, json.RawMessage(result.Config)
	return given
}

func content(asked request) ([]byte, error) {
	if asked.Data == nil {
		return os.ReadFile(asked.File)
	}
	return base64.StdEncoding.DecodeString(*asked.Data)
}
