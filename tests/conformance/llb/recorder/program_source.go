package main

import (
	"context"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"
	godigest "github.com/opencontainers/go-digest"
)

type imageOptions struct {
	Platform      *platform `json:"platform"`
	ResolveMode   string    `json:"resolve_mode"`
	RecordType    *string   `json:"record_type"`
	LayerLimit    *int      `json:"layer_limit"`
	Checksum      *string   `json:"checksum"`
	Config        *string   `json:"config"`
	Digest        string    `json:"digest"`
	ResolveDigest bool      `json:"resolve_digest"`
}

type localOptions struct {
	Include        []string `json:"include"`
	Exclude        []string `json:"exclude"`
	FollowPaths    []string `json:"follow_paths"`
	SharedKey      *string  `json:"shared_key"`
	SessionID      *string  `json:"session_id"`
	UniqueID       *string  `json:"unique_id"`
	Differ         *string  `json:"differ"`
	DifferRequired bool     `json:"differ_required"`
	MetadataOnly   any      `json:"metadata_only"`
}

type gitOptions struct {
	Ref              string `json:"ref"`
	Subdir           string `json:"subdir"`
	Checksum         string `json:"checksum"`
	KeepGitDir       bool   `json:"keep_git_dir"`
	SkipSubmodules   bool   `json:"skip_submodules"`
	MTime            string `json:"mtime"`
	Advice           bool   `json:"advice"`
	FetchByCommit    bool   `json:"fetch_by_commit"`
	AuthTokenSecret  string `json:"auth_token_secret"`
	AuthHeaderSecret string `json:"auth_header_secret"`
	KnownHosts       string `json:"known_hosts"`
	SSH              string `json:"ssh"`
	Bundle           string `json:"bundle"`
	BundleSessionID  string `json:"bundle_session_id"`
	BundleStoreID    string `json:"bundle_store_id"`
	CheckoutBundle   bool   `json:"checkout_bundle"`
}

// fileOptions are those of sources that are one file: HTTP and blobs.
type fileOptions struct {
	Checksum         *string `json:"checksum"`
	Filename         *string `json:"filename"`
	Mode             *uint32 `json:"mode"`
	UID              int     `json:"uid"`
	GID              int     `json:"gid"`
	AuthHeaderSecret *string `json:"auth_header_secret"`
	Accept           string  `json:"accept"`
	UserAgent        string  `json:"user_agent"`
	PGPPublicKey     []byte  `json:"pgp_public_key"`
	PGPSignature     []byte  `json:"pgp_signature"`
	SessionID        string  `json:"session_id"`
	StoreID          string  `json:"store_id"`
}

type layoutOptions struct {
	StoreID    string    `json:"store_id"`
	SessionID  string    `json:"session_id"`
	LayerLimit *int      `json:"layer_limit"`
	Platform   *platform `json:"platform"`
}

func (i *interpreter) source(s statement) (value, error) {
	switch s.Op {
	case "image":
		return i.image(s)
	case "local":
		return i.local(s)
	case "git":
		return i.git(s)
	case "oci_layout":
		return i.layout(s)
	default:
		return i.webFile(s)
	}
}

func (i *interpreter) image(s statement) (value, error) {
	var given imageOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	modes := map[string]llb.ResolveMode{
		"": llb.ResolveModeDefault, "default": llb.ResolveModeDefault,
		"pull": llb.ResolveModeForcePull, "local": llb.ResolveModePreferLocal,
	}
	options := []llb.ImageOption{modes[given.ResolveMode]}
	if given.Platform != nil {
		options = append(options, platformOption(given.Platform, s.says(3)))
	}
	if kind := given.RecordType; kind != nil && *kind == "internal" {
		options = append(options, llb.MarkImageInternal)
	} else if kind != nil {
		options = append(options, recordType(*kind))
	}
	if given.LayerLimit != nil {
		options = append(options, llb.WithLayerLimit(*given.LayerLimit))
	}
	if given.Checksum != nil {
		options = append(options, llb.WithImageChecksum(godigest.Digest(*given.Checksum)))
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	if given.Config == nil {
		return value{state: llb.Image(s.Ref, options...)}, nil
	}
	found := known{*given.Config, given.Digest}
	var resolver llb.ImageMetaResolver = found
	if s.says(4) {
		resolver = resolverOf(found)
	}
	options = append(options, llb.WithMetaResolver(resolver), llb.ResolveDigest(given.ResolveDigest))
	made := configured(value{}, llb.Image(s.Ref, options...), *given.Config)
	if given.Platform != nil {
		own := setting{apply: func(s llb.State) llb.State { return s.Platform(given.Platform.raw()) }}
		made.settings = append([]setting{own}, made.settings...)
	}
	return made, nil
}

// recordType marks an image as something for which Go has no option.
type recordType string

func (r recordType) SetImageOption(info *llb.ImageInfo) { info.RecordType = string(r) }

// known answers every question about an image with one config and digest.
type known struct {
	config, digest string
}

func (k known) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, godigest.Digest, []byte, error) {
	return ref, godigest.Digest(k.digest), []byte(k.config), nil
}

func (k known) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	image := &sourceresolver.ResolveImageResponse{Digest: godigest.Digest(k.digest), Config: []byte(k.config)}
	return &sourceresolver.MetaResponse{Op: op, Image: image}, nil
}

// resolverOf returns a resolver that asks one for sources of all kinds.
func resolverOf(all sourceresolver.MetaResolver) sourceresolver.ImageMetaResolver {
	return sourceresolver.NewImageMetaResolver(all)
}

func (i *interpreter) local(s statement) (value, error) {
	var given localOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	options := []llb.LocalOption{
		llb.IncludePatterns(given.Include), llb.ExcludePatterns(given.Exclude), llb.FollowPaths(given.FollowPaths),
	}
	if given.SharedKey != nil {
		options = append(options, llb.SharedKeyHint(*given.SharedKey))
	}
	if given.SessionID != nil {
		options = append(options, llb.SessionID(*given.SessionID))
	}
	if given.UniqueID != nil {
		options = append(options, llb.LocalUniqueID(*given.UniqueID))
	}
	if given.Differ != nil {
		differ := map[string]llb.DiffType{"none": llb.DiffNone, "metadata": llb.DiffMetadata}[*given.Differ]
		options = append(options, llb.Differ(differ, given.DifferRequired))
	}
	switch only := given.MetadataOnly.(type) {
	case bool:
		if only {
			options = append(options, llb.MetadataOnlyTransfer(nil))
		}
	case []any:
		var exceptions []string
		for _, each := range only {
			exceptions = append(exceptions, each.(string))
		}
		options = append(options, llb.MetadataOnlyTransfer(exceptions))
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	return value{state: llb.Local(s.Name, options...)}, nil
}

func (i *interpreter) git(s statement) (value, error) {
	var given gitOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	fragment := given.Ref
	if given.Subdir != "" {
		fragment += ":" + given.Subdir
	}
	var options []llb.GitOption
	if s.says(3) && !strings.ContainsAny(given.Subdir, "./") {
		fragment = ""
		options = append(options, llb.GitRef(given.Ref), llb.GitSubDir(given.Subdir))
	}
	options = append(options, llb.GitChecksum(given.Checksum))
	if given.KeepGitDir {
		options = append(options, llb.KeepGitDir())
	}
	if given.SkipSubmodules {
		options = append(options, llb.GitSkipSubmodules())
	}
	if given.MTime == "commit" && s.says(4) {
		options = append(options, llb.GitMTimeCommit())
	} else {
		options = append(options, llb.GitMTime(given.MTime))
	}
	if given.Advice {
		options = append(options, llb.GitAdvice(true))
	}
	if given.FetchByCommit {
		options = append(options, llb.GitFetchByCommit())
	}
	options = append(options, gitSecrets(given)...)
	if given.Bundle+given.BundleSessionID+given.BundleStoreID != "" {
		store := llb.GitBundleOCIStore(given.BundleSessionID, given.BundleStoreID)
		options = append(options, llb.GitBundleURL(given.Bundle, store))
	}
	if given.CheckoutBundle {
		options = append(options, llb.GitCheckoutBundle())
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	return value{state: llb.Git(s.URL, fragment, options...)}, nil
}

func gitSecrets(given gitOptions) (options []llb.GitOption) {
	if given.AuthTokenSecret != "" {
		options = append(options, llb.AuthTokenSecret(given.AuthTokenSecret))
	}
	if given.AuthHeaderSecret != "" {
		options = append(options, llb.AuthHeaderSecret(given.AuthHeaderSecret))
	}
	if given.KnownHosts != "" {
		options = append(options, llb.KnownSSHHosts(given.KnownHosts))
	}
	if given.SSH != "" {
		options = append(options, llb.MountSSHSock(given.SSH))
	}
	return options
}

func (i *interpreter) layout(s statement) (value, error) {
	var given layoutOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	options := []llb.OCILayoutOption{llb.OCIStore(given.SessionID, given.StoreID)}
	if given.LayerLimit != nil {
		options = append(options, llb.OCILayerLimit(*given.LayerLimit))
	}
	if given.Platform != nil {
		options = append(options, platformOption(given.Platform, s.says(3)))
	}
	if s.says(4) {
		// Nothing reads it.
		options = append(options, llb.OCIChecksum(digest))
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	return value{state: llb.OCILayout(s.Ref, options...)}, nil
}

// webFile returns a source that is one file.
func (i *interpreter) webFile(s statement) (value, error) {
	var given fileOptions
	if err := decode(s.Options, &given); err != nil {
		return value{}, err
	}
	var common []llb.FileInfoOption
	if given.Filename != nil {
		common = append(common, llb.Filename(*given.Filename))
	}
	if given.Mode != nil {
		common = append(common, llb.Chmod(os.FileMode(*given.Mode)))
	}
	common = append(common, llb.Chown(given.UID, given.GID))
	if s.Op == "http" && len(s.Options) == 0 && s.says(3) {
		op := llb.NewSource(s.URL, map[string]string{}, i.constraints(s, pb.CapSourceHTTP))
		return value{state: llb.NewState(op.Output())}, nil
	} else if s.Op == "http" {
		return value{state: llb.HTTP(s.URL, i.httpOptions(s, given, common)...)}, nil
	}
	var options []llb.ImageBlobOption
	for _, each := range common {
		options = append(options, each)
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	if s.Op == "image_blob" {
		return value{state: llb.ImageBlob(s.Ref, options...)}, nil
	}
	options = append(options, llb.ImageBlobOCIStore(given.SessionID, given.StoreID))
	return value{state: llb.OCILayoutBlob(s.Ref, options...)}, nil
}

func (i *interpreter) httpOptions(s statement, given fileOptions, common []llb.FileInfoOption) (options []llb.HTTPOption) {
	for _, each := range common {
		options = append(options, each)
	}
	if given.Checksum != nil {
		options = append(options, llb.Checksum(godigest.Digest(*given.Checksum)))
	}
	if given.AuthHeaderSecret != nil {
		options = append(options, llb.AuthHeaderSecret(*given.AuthHeaderSecret))
	}
	if given.Accept != "" || given.UserAgent != "" {
		options = append(options, llb.Header(llb.HTTPHeader{Accept: given.Accept, UserAgent: given.UserAgent}))
	}
	if given.PGPPublicKey != nil || given.PGPSignature != nil {
		signature := llb.HTTPSignatureInfo{PubKey: given.PGPPublicKey, Signature: given.PGPSignature}
		options = append(options, llb.VerifyPGPSignature(signature))
	}
	for _, each := range i.options(s) {
		options = append(options, each)
	}
	return options
}
