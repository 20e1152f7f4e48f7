// Command recorder matches every list of patterns of cases.json with every path, and prints for each
// list a text with one character a path: 1 where it matches, 0 where not; or the word malformed.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/patternmatcher"
)

func main() {
	var cases struct {
		Patterns [][]string `json:"patterns"`
		Paths    []string   `json:"paths"`
	}
	data, err := os.ReadFile(os.Args[1])
	check(err)
	check(json.Unmarshal(data, &cases))
	recorded := make([]string, len(cases.Patterns))
	for number, patterns := range cases.Patterns {
		recorded[number] = match(patterns, cases.Paths)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	check(encoder.Encode(recorded))
}

func match(patterns, paths []string) string {
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return "malformed"
	}
	var row strings.Builder
	for _, path := range paths {
		matches, err := matcher.MatchesOrParentMatches(path)
		if err != nil {
			return "malformed"
		}
		if matches {
			row.WriteByte('1')
		} else {
			row.WriteByte('0')
		}
	}
	return row.String()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
