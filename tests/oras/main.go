// Lists what refers to a manifest, to any depth, by oras-go, and fetches every blob of it.
//
//	oras-referrers HOST REPOSITORY DIGEST
//
// Prints a line for each: depth, artifact type, digest. HOST speaks plain HTTP.
package main

import (
	"context"
	"fmt"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: oras-referrers HOST REPOSITORY DIGEST")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]+"/"+os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, digest string) error {
	repository, err := remote.NewRepository(name)
	if err != nil {
		return err
	}
	repository.PlainHTTP = true
	subject, err := repository.Resolve(ctx, digest)
	if err != nil {
		return err
	}
	return list(ctx, repository, subject, 0)
}

// list prints what refers to a manifest, and to that.
func list(ctx context.Context, repository *remote.Repository, subject ocispec.Descriptor, depth int) error {
	var found []ocispec.Descriptor
	collect := func(page []ocispec.Descriptor) error {
		found = append(found, page...)
		return nil
	}
	if err := repository.Referrers(ctx, subject, "", collect); err != nil {
		return err
	}
	for _, referrer := range found {
		children, err := content.Successors(ctx, repository, referrer)
		if err != nil {
			return err
		}
		for _, child := range children {
			// The subject is one of them.
			if _, err := content.FetchAll(ctx, repository, child); err != nil {
				return err
			}
		}
		fmt.Println(depth, referrer.ArtifactType, referrer.Digest)
		if err := list(ctx, repository, referrer, depth+1); err != nil {
			return err
		}
	}
	return nil
}
