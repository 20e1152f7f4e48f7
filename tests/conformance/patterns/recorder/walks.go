package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// A tree is a list of files: a name that ends with a slash is a directory; "name -> target" is a
// symbolic link, "name => other" a hard link, "name |" a pipe, "name =" a socket; any other name is
// a file that contains it.
type walks struct {
	Tree  []string `json:"tree"`
	Cases []struct {
		Include []string `json:"include"`
		Exclude []string `json:"exclude"`
		Follow  []string `json:"follow"`
	} `json:"cases"`
}

// recordWalks sends the tree once for each case, and gives the descriptions of files that were
// sent, or the word refused.
func recordWalks(data []byte) [][]string {
	var given walks
	check(json.Unmarshal(data, &given))
	root, err := os.MkdirTemp("", "walks")
	check(err)
	defer os.RemoveAll(root)
	syscall.Umask(0o22)
	check(os.Chdir(root))
	for _, line := range given.Tree {
		check(create(line))
	}
	recorded := make([][]string, len(given.Cases))
	for number, each := range given.Cases {
		recorded[number] = send(root, &fsutil.FilterOpt{
			IncludePatterns: each.Include,
			ExcludePatterns: each.Exclude,
			FollowPaths:     each.Follow,
		})
	}
	return recorded
}

func create(line string) error {
	if name, target, ok := strings.Cut(line, " -> "); ok {
		return os.Symlink(target, name)
	}
	if name, other, ok := strings.Cut(line, " => "); ok {
		return os.Link(other, name)
	}
	if name, ok := strings.CutSuffix(line, " |"); ok {
		return syscall.Mkfifo(name, 0o644)
	}
	if name, ok := strings.CutSuffix(line, " ="); ok {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name})
		if err == nil {
			listener.SetUnlinkOnClose(false)
			listener.Close()
		}
		return err
	}
	if strings.HasSuffix(line, "/") {
		return os.MkdirAll(line, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(line), 0o755); err != nil {
		return err
	}
	return os.WriteFile(line, []byte(line), 0o644)
}

// receiver is the other end of a transfer: it notes the descriptions, and wants no content.
type receiver struct {
	noted    []string
	complete chan struct{}
	once     sync.Once
}

func (r *receiver) Context() context.Context { return context.Background() }

func (r *receiver) SendMsg(message any) error {
	packet := message.(*types.Packet)
	if packet.Type != types.PACKET_STAT || packet.Stat == nil {
		r.once.Do(func() { close(r.complete) })
		return nil
	}
	stat := packet.Stat
	r.noted = append(r.noted, fmt.Sprintf("%s %o %d %s", stat.Path, stat.Mode, stat.Size, stat.Linkname))
	return nil
}

func (r *receiver) RecvMsg(message any) error {
	<-r.complete
	message.(*types.Packet).Type = types.PACKET_FIN
	return nil
}

func send(root string, filter *fsutil.FilterOpt) []string {
	plain, err := fsutil.NewFS(root)
	check(err)
	chosen, err := fsutil.NewFilterFS(plain, filter)
	if err != nil {
		return []string{"refused"}
	}
	end := &receiver{noted: []string{}, complete: make(chan struct{})}
	if err := fsutil.Send(context.Background(), end, chosen, nil); err != nil {
		return []string{"refused"}
	}
	return end.noted
}
