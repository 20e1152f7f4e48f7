package main

import (
	"encoding/json"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const packages = "github.com/moby/buildkit/client/llb"

// printNames prints the exported names of the llb packages: for each package its
// functions, types, variables, constants and methods, sorted.
func printNames(output io.Writer) error {
	names := map[string]map[string][]string{}
	for _, below := range []string{"", "/llbbuild", "/sourceresolver", "/imagemetaresolver"} {
		folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", packages+below).Output()
		if err != nil {
			return err
		}
		found, err := namesIn(strings.TrimSpace(string(folder)))
		if err != nil {
			return err
		}
		names[filepath.Base(packages+below)] = found
	}
	encoder := json.NewEncoder(output)
	encoder.SetIndent("", " ")
	return encoder.Encode(names)
}

func namesIn(folder string) (map[string][]string, error) {
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, each := range paths {
		if strings.HasSuffix(each, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, each, nil, 0)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
	}
	described, err := doc.NewFromFiles(files, parsed, packages)
	if err != nil {
		return nil, err
	}
	return namesOf(described), nil
}

func namesOf(described *doc.Package) map[string][]string {
	found := map[string][]string{}
	add := func(kind string, names ...string) {
		for _, name := range names {
			if ast.IsExported(name[strings.LastIndex(name, ".")+1:]) {
				found[kind] = append(found[kind], name)
			}
		}
	}
	values := func(kind string, all []*doc.Value) {
		for _, each := range all {
			add(kind, each.Names...)
		}
	}
	functions := func(all []*doc.Func) {
		for _, each := range all {
			add("funcs", each.Name)
		}
	}
	values("consts", described.Consts)
	values("vars", described.Vars)
	functions(described.Funcs)
	for _, each := range described.Types {
		add("types", each.Name)
		values("consts", each.Consts)
		values("vars", each.Vars)
		functions(each.Funcs)
		for _, method := range each.Methods {
			add("methods", each.Name+"."+method.Name)
		}
	}
	for _, names := range found {
		slices.Sort(names)
	}
	return found
}
