package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	mode "github.com/tonistiigi/dchapes-mode"
)

// question asks one function of a package that a frontend stands on.
type question struct {
	Ask   string            `json:"ask"`
	Text  string            `json:"text"`
	Lines []string          `json:"lines"`
	Env   map[string]string `json:"env"`
}

// questions answers one on each line: the value as JSON, or null where it is refused.
func questions() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		check(err)
		var asked question
		check(json.Unmarshal(line, &asked))
		value, err := asked.answer()
		if err != nil {
			value = nil
		}
		check(encoder.Encode(value))
	}
}

func (q question) answer() (any, error) {
	switch q.Ask {
	case "word":
		found, _, err := shell.NewLex('\\').ProcessWord(q.Text, env(q.Env))
		return found, err
	case "shown":
		lex := shell.NewLex('\\')
		lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
		found, _, err := lex.ProcessWord(q.Text, env(q.Env))
		return found, err
	case "words":
		found, err := shell.NewLex('\\').ProcessWords(q.Text, env(q.Env))
		if found == nil {
			found = []string{}
		}
		return found, err
	case "ignore":
		found, err := ignorefile.ReadAll(bytes.NewBufferString(q.Text))
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = []string{}
		}
		_, err = patternmatcher.New(found)
		return found, err
	case "match":
		matcher, err := patternmatcher.New(q.Lines)
		if err != nil {
			return nil, err
		}
		return matcher.MatchesOrParentMatches(q.Text)
	case "reference":
		found, err := reference.ParseNormalizedNamed(q.Text)
		if err != nil {
			return nil, err
		}
		return []string{reference.TagNameOnly(found).String(), reference.FamiliarString(found)}, nil
	case "platform":
		found, err := platforms.Parse(q.Text)
		return platforms.FormatAll(platforms.Normalize(found)), err
	case "mode":
		_, err := mode.Parse(q.Text)
		return true, err
	}
	panic("unknown question " + q.Ask)
}

func env(values map[string]string) shell.EnvGetter {
	var pairs []string
	for key, value := range values {
		pairs = append(pairs, key+"="+value)
	}
	return shell.EnvsFromSlice(pairs)
}
