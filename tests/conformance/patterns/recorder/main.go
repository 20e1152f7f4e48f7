// Command recorder prints what Go makes of the cases beside it: "recorder patterns cases.json" and
// "recorder walks walks.json".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/patternmatcher"
)

func main() {
	data, err := os.ReadFile(os.Args[2])
	check(err)
	var recorded any
	switch os.Args[1] {
	case "patterns":
		recorded = recordPatterns(data)
	case "walks":
		recorded = recordWalks(data)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	check(encoder.Encode(recorded))
}

// recordPatterns matches every list of patterns with every path. Each list gives a text with one
// character a path: 1 where it matches, 0 where not; or the word malformed.
func recordPatterns(data []byte) []string {
	var cases struct {
		Patterns [][]string `json:"patterns"`
		Paths    []string   `json:"paths"`
	}
	check(json.Unmarshal(data, &cases))
	recorded := make([]string, len(cases.Patterns))
	for number, patterns := range cases.Patterns {
		recorded[number] = match(patterns, cases.Paths)
	}
	return recorded
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
