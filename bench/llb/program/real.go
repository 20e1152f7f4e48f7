package main

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// real builds a realistic project of about 60 operations, size times: tools, several services that
// are built and tested with caches, and an image of all of them.
func real(size int) llb.State {
	var result llb.State
	for range size {
		result = release()
	}
	return result
}

func release() llb.State {
	source := llb.Local("context",
		llb.SessionID("session"),
		llb.ExcludePatterns([]string{".git", "**/*.md"}),
	)
	tools := llb.Image("docker.io/library/golang:1.26").
		AddEnv("CGO_ENABLED", "0").
		Run(llb.Shlex("apt-get update")).
		Run(llb.Shlex("apt-get install -y make git")).Root()
	modules := tools.Dir("/src").
		File(llb.Copy(source, "/go.mod", "/src/", &llb.CopyInfo{CreateDestPath: true})).
		File(llb.Copy(source, "/go.sum", "/src/", &llb.CopyInfo{CreateDestPath: true})).
		Run(llb.Shlex("go mod download"), cached("/go/pkg/mod", "modules")).Root()
	base := llb.Image("docker.io/library/alpine:latest").
		Run(llb.Shlex("apk add ca-certificates"), llb.WithCustomName("install certificates")).Root()
	services := make([]llb.State, 0, 12)
	for number := range 12 {
		name := fmt.Sprintf("service-%d", number)
		built := modules.AddEnv("SERVICE", name).
			Run(
				llb.Args([]string{"go", "build", "-o", "/out/" + name, "./cmd/" + name}),
				cached("/go/pkg/mod", "modules"),
				cached("/root/.cache/go-build", "build"),
				llb.AddMount("/src", source, llb.Readonly),
			).AddMount("/out", llb.Scratch())
		tested := modules.
			Run(
				llb.Args([]string{"go", "test", "./cmd/" + name}),
				cached("/root/.cache/go-build", "build"),
				llb.AddMount("/src", source, llb.Readonly),
			).AddMount("/report", llb.Scratch())
		services = append(services, llb.Scratch().
			File(llb.Copy(built, "/"+name, "/usr/bin/"+name, &llb.CopyInfo{CreateDestPath: true})).
			File(llb.Copy(tested, "/", "/reports/"+name+"/", &llb.CopyInfo{
				CreateDestPath:      true,
				CopyDirContentsOnly: true,
			})))
	}
	return llb.Merge(append([]llb.State{base}, services...)).
		File(llb.Mkdir("/var/lib/app", 0o755, llb.WithParents(true))).
		File(llb.Mkfile("/etc/app.conf", 0o644, []byte("mode = production\n")))
}

func cached(target, id string) llb.RunOption {
	return llb.AddMount(target, llb.Scratch(), llb.AsPersistentCacheDir(id, llb.CacheMountShared))
}
