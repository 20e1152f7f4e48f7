// Command recorder builds the graphs of cases.go with Go's client/llb and
// prints, as one JSON object, the serialized pb.Definition of each by its name.
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
	recorded := map[string][]byte{}
	for name, state := range cases() {
		definition, err := state.Marshal(
			context.Background(),
			llb.Platform(ocispecs.Platform{OS: "linux", Architecture: "amd64"}),
			llb.LocalUniqueID("unique"),
		)
		if err != nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
		data, err := definition.ToPB().Marshal()
		if err != nil {
			fail(err)
		}
		recorded[name] = data
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(recorded); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
