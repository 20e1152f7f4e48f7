// Command recorder says what Go's client/llb makes of graphs.
//
//	recorder            prints, as one JSON object, the serialized pb.Definition of
//	                    each graph of cases.go by its name
//	recorder programs   reads programs (program.go) as lines of JSON and answers
//	                    each with a line, until its input ends
//	recorder names      prints the exported names of the llb packages as JSON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "":
		err = recordCases()
	case "programs":
		err = servePrograms(os.Stdin, os.Stdout)
	case "names":
		err = printNames(os.Stdout)
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func recordCases() error {
	recorded := map[string][]byte{}
	for name, state := range cases() {
		definition, err := state.Marshal(
			context.Background(),
			llb.Platform(ocispecs.Platform{OS: "linux", Architecture: "amd64"}),
			llb.LocalUniqueID("unique"),
		)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		data, err := definition.ToPB().Marshal()
		if err != nil {
			return err
		}
		recorded[name] = data
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	return encoder.Encode(recorded)
}
