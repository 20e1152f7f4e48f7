package main

import (
	"net"
	"strconv"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var (
	created = time.Unix(1700000000, 123456000)
	arm     = ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	content = &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true, AllowWildcard: true}
)

// cases returns the graphs by name; cases.py has the same ones, in the same order.
func cases() map[string]llb.State {
	all := map[string]llb.State{}
	for _, group := range []map[string]llb.State{sources(), runs(), mounts(), files(), graphs()} {
		for name, state := range group {
			all[name] = state
		}
	}
	return all
}

func sh(command string) llb.RunOption {
	return llb.Args([]string{"/bin/sh", "-c", command})
}

func sources() map[string]llb.State {
	return map[string]llb.State{
		"git":          llb.Git("https://example.org/owner/repo.git", ""),
		"git host":     llb.Git("example.org/owner/repo", ""),
		"git user":     llb.Git("https://user:pw@example.org:8443/a//b/../repo.git", "", llb.GitRef("main")),
		"git protocol": llb.Git("git://localhost:9418/repo", "", llb.GitRef("v1"), llb.GitSubDir("sub/dir")),
		"git subdir":   llb.Git("https://example.org/repo", "", llb.GitSubDir("sub")),
		"git ssh":      llb.Git("ssh://git@nowhere.invalid:2222/repo", "", llb.KnownSSHHosts("nowhere.invalid ssh-ed25519 AAAA\n"), llb.MountSSHSock("mine")),
		"git scp":      llb.Git("git@nowhere.invalid:owner/repo.git", "", llb.KnownSSHHosts("x y z")),
		"git auth":     llb.Git("https://example.org/repo", "", llb.AuthTokenSecret("t"), llb.AuthHeaderSecret("h")),
		"git everything": llb.Git("https://example.org/repo", "", llb.GitRef("refs/tags/v1"), llb.GitChecksum("0123456789abcdef0123456789abcdef01234567"),
			llb.KeepGitDir(), llb.GitSkipSubmodules(), llb.GitMTimeCommit(), llb.GitAdvice(true), llb.GitFetchByCommit()),
		"git bundle": llb.Git("https://example.org/repo", "", llb.GitChecksum("0123456789abcdef0123456789abcdef01234567"),
			llb.GitBundleURL("oci-layout+blob://b@"+digest, llb.GitBundleOCIStore("session", "store")), llb.GitCheckoutBundle()),
		"http": llb.HTTP("https://example.org/a/b.txt?x=1"),
		"http everything": llb.HTTP("http://localhost:1/x", llb.Checksum(digest), llb.Filename("y"), llb.Chmod(0o4755), llb.Chown(5, 6),
			llb.AuthHeaderSecret("token"), llb.Header(llb.HTTPHeader{Accept: "text/plain", UserAgent: "me"}),
			llb.VerifyPGPSignature(llb.HTTPSignatureInfo{PubKey: []byte("key"), Signature: []byte("sig")}), llb.WithCustomName("get")),
		"http group":           llb.HTTP("http://localhost/x", llb.Chown(0, 6), llb.Header(llb.HTTPHeader{UserAgent: "me"})),
		"http copied":          llb.Scratch().File(llb.Copy(llb.HTTP("https://example.org/a"), "a", "/b", content)),
		"oci layout":           llb.OCILayout("name@" + digest),
		"oci layout store":     llb.OCILayout("name/x:1@"+digest, llb.OCIStore("session", "store"), llb.OCILayerLimit(2), llb.Platform(arm)),
		"image blob":           llb.ImageBlob("owner/app@"+digest, llb.Filename("f"), llb.Chmod(0o600), llb.Chown(1, 0)),
		"oci layout blob":      llb.OCILayoutBlob("app@"+digest, llb.ImageBlobOCIStore("session", "store"), llb.Filename("f")),
		"scratch":              llb.Scratch(),
		"image":                llb.Image("alpine"),
		"image tag":            llb.Image("alpine:3.20"),
		"image digest":         llb.Image("ghcr.io/owner/app@" + digest),
		"image tag and digest": llb.Image("owner/app:1@" + digest),
		"image platform":       llb.Image("alpine", llb.Platform(arm)),
		"image windows": llb.Image("alpine", llb.Platform(ocispecs.Platform{
			OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763", OSFeatures: []string{"win32k"},
		})),
		"image pull":        llb.Image("alpine", llb.ResolveModeForcePull),
		"image local":       llb.Image("alpine", llb.ResolveModePreferLocal),
		"image layer limit": llb.Image("alpine", llb.WithLayerLimit(2)),
		"image checksum":    llb.Image("alpine", llb.WithImageChecksum(digest)),
		"image record type": llb.Image("alpine", llb.MarkImageInternal),
		"image everything": llb.Image("alpine", llb.ResolveModeForcePull, llb.WithLayerLimit(1),
			llb.WithImageChecksum(digest), llb.WithCustomName("base")),
		"local":         llb.Local("context"),
		"local session": llb.Local("context", llb.SessionID("session")),
		"local unique":  llb.Local("context", llb.LocalUniqueID("mine")),
		"local patterns": llb.Local("context", llb.IncludePatterns([]string{"a<b", "c&d", "é\u2028"}),
			llb.ExcludePatterns([]string{"**/*.pyc", "!x"}), llb.FollowPaths([]string{"src"})),
		"local key":    llb.Local("context", llb.SharedKeyHint("key"), llb.SessionID("s")),
		"local differ": llb.Local("context", llb.Differ(llb.DiffNone, false)),
	}
}

func runs() map[string]llb.State {
	base := llb.Image("alpine")
	return map[string]llb.State{
		"run shell":        base.Run(sh("apk add git")).Root(),
		"run argv":         base.Run(llb.Args([]string{"make", "-j", "2"})).Root(),
		"run on scratch":   llb.Scratch().Run(llb.Args([]string{"/hello"})).Root(),
		"run env":          base.AddEnv("A", "1").AddEnv("B", "2").AddEnv("A", "3").Run(sh("env")).Root(),
		"run own env":      base.AddEnv("A", "1").Run(sh("env"), llb.AddEnv("C", "x=y"), llb.AddEnv("A", "")).Run(sh("env")).Root(),
		"run workdir":      base.Dir("/src").Dir("../x/./y").Run(sh("pwd"), llb.Dir("sub")).Root(),
		"run odd workdir":  base.Dir("/src//a/../").Run(sh("pwd")).Root(),
		"run user":         base.User("app:app").Run(sh("id"), llb.User("1000")).Run(sh("id")).Root(),
		"run hostname":     base.Hostname("builder").Run(sh("hostname")).Root(),
		"run network host": base.Network(pb.NetMode_HOST).Run(sh("ip a")).Root(),
		"run network none": base.Run(sh("ip a"), llb.Network(pb.NetMode_NONE)).Root(),
		"run insecure":     base.Run(sh("mount"), llb.Security(pb.SecurityMode_INSECURE)).Root(),
		"run hosts": base.AddExtraHost("a", net.ParseIP("10.0.0.1")).
			AddExtraHost("b", net.ParseIP("::1")).Run(sh("cat /etc/hosts")).Root(),
		"run ulimits":        base.AddUlimit(llb.UlimitNofile, 1024, 2048).AddUlimit(llb.UlimitCore, 0, 0).Run(sh("ulimit -a")).Root(),
		"run cgroup":         base.WithCgroupParent("/parent").Run(sh("true")).Root(),
		"run exit codes":     base.Run(sh("exit 3"), llb.ValidExitCodes(0, 3)).Root(),
		"run readonly root":  base.Run(sh("true"), llb.ReadonlyRootFS(), llb.AddMount("/out", llb.Scratch())).GetMount("/out"),
		"run proxy":          base.Run(sh("env"), llb.WithProxy(llb.ProxyEnv{HTTPProxy: "http://p", NoProxy: "localhost"})).Root(),
		"run devices":        base.Run(sh("ls /dev"), llb.AddCDIDevice(llb.CDIDeviceName("vendor/class=a")), llb.AddCDIDevice(llb.CDIDeviceName("b"), llb.CDIDeviceOptional)).Root(),
		"run platform":       base.Platform(arm).Run(sh("uname -m")).Root(),
		"run image platform": llb.Image("alpine", llb.Platform(arm)).Run(sh("uname -m")).Root(),
		"run described": base.Run(sh("true"), llb.WithCustomName("a step"), llb.WithDescription(map[string]string{"k": "v"}),
			llb.IgnoreCache, llb.WithExportCache(), llb.ProgressGroup("id", "group", true)).Root(),
		"run resources":       base.Run(sh("true"), llb.MemoryLimit(1<<30), llb.CPUQuota(50000), llb.CpusetCpus("0-1")).Root(),
		"run no export cache": base.Run(sh("true"), llb.WithoutExportCache()).Root(),
	}
}

func mounts() map[string]llb.State {
	base, src := llb.Image("alpine"), llb.Local("context")
	run := base.Run(sh("make"), llb.AddMount("/z", llb.Scratch()), llb.AddMount("/a", src),
		llb.AddMount("/b", src, llb.Readonly, llb.SourcePath("sub")))
	return map[string]llb.State{
		"bind":                base.Run(sh("ls"), llb.AddMount("/src", src)).Root(),
		"bind readonly":       base.Run(sh("ls"), llb.AddMount("/src", src, llb.Readonly)).Root(),
		"bind path":           base.Run(sh("ls"), llb.AddMount("/src", src, llb.SourcePath("/sub"))).Root(),
		"bind discard":        base.Run(sh("ls"), llb.AddMount("/src", src, llb.ForceNoOutput)).Root(),
		"bind content cache":  base.Run(sh("ls"), llb.AddMount("/src", src, llb.ContentCache(llb.MountContentCacheOn))).Root(),
		"bind itself":         base.Run(sh("ls"), llb.AddMount("/again", base)).Root(),
		"several binds root":  run.Root(),
		"several binds first": run.GetMount("/a"),
		"several binds last":  run.GetMount("/z"),
		"mount used later":    base.Run(sh("cat"), llb.AddMount("/in", run.GetMount("/z"), llb.Readonly)).Root(),
		"cache": base.Run(sh("ls"), llb.AddMount("/root/.cache", llb.Scratch(),
			llb.AsPersistentCacheDir("/root/.cache", llb.CacheMountShared))).Root(),
		"cache locked": base.Run(sh("ls"), llb.AddMount("/c", llb.Scratch(),
			llb.AsPersistentCacheDir("mine", llb.CacheMountLocked))).Root(),
		"cache private from": base.Run(sh("ls"), llb.AddMount("/c", src, llb.SourcePath("/seed"),
			llb.AsPersistentCacheDir("mine", llb.CacheMountPrivate))).Root(),
		"tmpfs":          base.Run(sh("ls"), llb.AddMount("/t", llb.Scratch(), llb.Tmpfs())).Root(),
		"tmpfs size":     base.Run(sh("ls"), llb.AddMount("/t", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(1<<20)))).Root(),
		"secret":         base.Run(sh("ls"), llb.AddSecret("/run/secrets/key", llb.SecretID("key"))).Root(),
		"secret options": base.Run(sh("ls"), llb.AddSecret("/k", llb.SecretID("key"), llb.SecretOptional, llb.SecretFileOpt(1, 2, 0o440))).Root(),
		"secret env":     base.Run(sh("ls"), llb.AddSecretWithDest("key", nil, llb.SecretAsEnvName("KEY"))).Root(),
		"secret both":    base.Run(sh("ls"), llb.AddSecret("/k", llb.SecretID("key"), llb.SecretAsEnvName("KEY"))).Root(),
		"ssh":            base.Run(sh("ssh-add -l"), llb.AddSSHSocket(llb.SSHID("default"))).Root(),
		"ssh options":    base.Run(sh("ssh-add -l"), llb.AddSSHSocket(llb.SSHID("one"), llb.SSHSocketOpt("/agent", 1, 2, 0o660), llb.SSHOptional), llb.AddSSHSocket(llb.SSHID("two"))).Root(),
		"ssh env":        base.AddEnv("SSH_AUTH_SOCK", "/mine").Run(sh("ssh-add -l"), llb.AddSSHSocket(llb.SSHID("default"))).Root(),
		"all the mounts": base.AddEnv("A", "1").Run(sh("ls"), llb.AddMount("/src", src), llb.AddMount("/c", llb.Scratch(), llb.AsPersistentCacheDir("/c", llb.CacheMountShared)),
			llb.AddMount("/t", llb.Scratch(), llb.Tmpfs()), llb.AddSecret("/run/secrets/s", llb.SecretID("s")), llb.AddSSHSocket(llb.SSHID("default"))).Root(),
	}
}

func files() map[string]llb.State {
	base, src := llb.Image("alpine"), llb.Local("context")
	copied := func(option ...llb.CopyOption) llb.State {
		return base.File(llb.Copy(src, "/", "/src", append([]llb.CopyOption{content}, option...)...))
	}
	return map[string]llb.State{
		"copy":            copied(),
		"copy slash":      base.Dir("/app").File(llb.Copy(src, "a.txt", "sub/", content)),
		"copy dot":        base.Dir("/app").File(llb.Copy(src.Dir("/in"), "x/../a.txt", "b/.", content)),
		"copy to root":    base.File(llb.Copy(src, "a", "/.", content)),
		"copy to here":    base.Dir("/app").File(llb.Copy(src, "a", "./", content)),
		"copy to scratch": llb.Scratch().File(llb.Copy(src, "/", "/", content)),
		"copy scratch":    base.File(llb.Copy(llb.Scratch(), "/", "/x", content)),
		"copy itself":     base.File(llb.Copy(base, "/etc", "/etc2", content)),
		"copy options": base.File(llb.Copy(src, "/a*", "/src", &llb.CopyInfo{
			Mode: &llb.ChmodOpt{Mode: 0o640}, FollowSymlinks: true, IncludePatterns: []string{"*.py"},
			ExcludePatterns: []string{"x"}, RequiredPaths: []string{"y"}, AttemptUnpack: true, AllowWildcard: true,
			AllowEmptyWildcard: true, AlwaysReplaceExistingDestPaths: true, CreatedTime: &created,
		})),
		"copy mode zero":         copied(llb.ChmodOpt{Mode: 0}),
		"copy symbolic mode":     copied(llb.ChmodOpt{ModeStr: "u+x,go-w"}),
		"copy owner ids":         copied(llb.WithUIDGID(0, 1000)),
		"copy owner names":       copied(llb.WithUser("app:staff")),
		"copy owner root":        copied(llb.WithUser("root:root")),
		"copy owner user":        copied(llb.WithUser("app")),
		"copy owner no group":    copied(llb.WithUser("app:")),
		"mkdir":                  base.File(llb.Mkdir("/a", 0o755)),
		"mkdir options":          base.Dir("/x").File(llb.Mkdir("a/b", 0o1700, llb.WithParents(true), llb.WithUser("1:2"), llb.WithCreatedTime(created))),
		"mkdir named on scratch": llb.Scratch().File(llb.Mkdir("/a", 0o755, llb.WithUser("app"))),
		"mkfile":                 base.File(llb.Mkfile("/a", 0o644, []byte("hello\n"))),
		"mkfile empty":           base.File(llb.Mkfile("a", 0o600, nil, llb.WithCreatedTime(time.Unix(0, 0)))),
		"rm":                     base.File(llb.Rm("/a")),
		"rm options":             base.Dir("/x").File(llb.Rm("a*", llb.WithAllowNotFound(true), llb.WithAllowWildcard(true))),
		"symlink":                base.Dir("/x").File(llb.Symlink("../a", "b", llb.WithUser("app"), llb.WithCreatedTime(created))),
		"chained": base.File(llb.Mkdir("/a", 0o755).Mkfile("/a/b", 0o644, []byte("x")).
			Copy(src, "/c", "/a/c", content).Copy(base, "/etc", "/a/etc", content).Rm("/a/b")),
		"one after another": base.File(llb.Mkdir("/a", 0o755)).File(llb.Mkfile("/a/b", 0o644, []byte("x"))).File(llb.Rm("/a")),
		"described":         base.File(llb.Mkdir("/a", 0o755), llb.WithCustomName("make a"), llb.IgnoreCache),
	}
}

func graphs() map[string]llb.State {
	base := llb.Image("alpine")
	built := base.Run(sh("make")).Root()
	diamond := base
	for range 12 {
		diamond = base.File(llb.Copy(diamond, "/l", "/l", content).Copy(diamond, "/r", "/r", content))
	}
	chain := base
	for number := range 300 {
		chain = chain.Run(sh("echo " + strconv.Itoa(number))).Root()
	}
	other := llb.Image("busybox").Dir("/x")
	return map[string]llb.State{
		"merge":            llb.Merge([]llb.State{base.Dir("/w"), llb.Scratch(), built, other}).Run(sh("pwd")).Root(),
		"merge described":  llb.Merge([]llb.State{base, other}, llb.WithCustomName("both"), llb.IgnoreCache),
		"merge twice":      llb.Merge([]llb.State{base, base}),
		"merge one":        llb.Merge([]llb.State{llb.Scratch(), other}).Run(sh("pwd")).Root(),
		"merge none":       llb.Merge([]llb.State{llb.Scratch()}),
		"diff":             llb.Diff(base, built),
		"diff of scratch":  llb.Diff(llb.Scratch(), built),
		"diff to scratch":  llb.Diff(base.Dir("/w"), llb.Scratch()).Run(sh("pwd")).Root(),
		"diff of nothing":  llb.Diff(llb.Scratch(), llb.Scratch()),
		"diff onto other":  llb.Merge([]llb.State{other, llb.Diff(base, built, llb.WithCustomName("changes"))}).Run(sh("ls")).Root(),
		"two stages":       llb.Scratch().File(llb.Copy(built, "/bin/app", "/app", content)),
		"equal twice":      base.File(llb.Copy(llb.Image("alpine").Run(sh("make"), llb.WithCustomName("again")).Root(), "/", "/a", content).Copy(built, "/", "/b", content)),
		"diamond":          diamond,
		"chain":            chain,
		"sources in order": base.File(llb.Copy(llb.Image("a"), "/", "/a", content).Copy(llb.Image("b"), "/", "/b", content).Copy(llb.Image("c"), "/", "/c", content)),
	}
}
