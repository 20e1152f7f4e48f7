// Records values of HCL expressions with the functions of buildx. It reads a list of expressions
// from the file of its first argument, and writes a list of their types and values, or their
// errors, to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/docker/buildx/bake/hclparser"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

type outcome struct {
	Expression string `json:"expression"`
	Type       string `json:"type,omitempty"`
	Value      string `json:"value,omitempty"`
	Error      string `json:"error,omitempty"`
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	exitOn(err)
	var expressions []string
	exitOn(json.Unmarshal(text, &expressions))
	outcomes := []outcome{}
	for _, expression := range expressions {
		outcomes = append(outcomes, evaluate(expression))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	exitOn(encoder.Encode(outcomes))
}

func evaluate(text string) (result outcome) {
	result.Expression = text
	defer func() {
		if p := recover(); p != nil {
			result.Error = fmt.Sprint("panic: ", p)
		}
	}()
	expression, diagnostics := hclsyntax.ParseExpression([]byte(text), "x.hcl", hcl.InitialPos)
	if diagnostics.HasErrors() {
		result.Error = diagnostics.Error()
		return result
	}
	value, diagnostics := expression.Value(scope())
	if diagnostics.HasErrors() {
		result.Error = diagnostics.Error()
		return result
	}
	result.Type = value.Type().FriendlyName()
	printed, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		result.Error = err.Error()
	}
	result.Value = string(printed)
	return result
}

func scope() *hcl.EvalContext {
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"a":    cty.StringVal("A"),
			"n":    cty.NumberIntVal(3),
			"list": cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")}),
			"map": cty.ObjectVal(map[string]cty.Value{
				"one": cty.NumberIntVal(1), "two": cty.StringVal("zwei")}),
		},
		Functions: hclparser.Stdlib(),
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
