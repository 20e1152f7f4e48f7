// Record what text/template prints for the cases, with the function json of buildx.
// go run . < ../cases.json > ../recorded.json
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"text/template"
)

type cases struct {
	Data      any      `json:"data"`
	Templates []string `json:"templates"`
}

type record struct {
	Template string  `json:"template"`
	Output   *string `json:"output"`
	Error    string  `json:"error,omitempty"`
}

func toJSON(value any) string {
	encoded, _ := json.MarshalIndent(value, "", "  ")
	return string(encoded)
}

func run(text string, data any) record {
	parsed, err := template.New("").Funcs(template.FuncMap{"json": toJSON}).Parse(text)
	if err != nil {
		return record{Template: text, Error: err.Error()}
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return record{Template: text, Error: err.Error()}
	}
	printed := out.String()
	return record{Template: text, Output: &printed}
}

func main() {
	var in cases
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	records := make([]record, len(in.Templates))
	for i, text := range in.Templates {
		records[i] = run(text, in.Data)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(records); err != nil {
		panic(err)
	}
}
