// Says what snapd's own package thinks of streams of assertions, as `snap ack` would take them.
//
//	snapd-asserts ROOT.assert
//
// Reads a stream in base64 from each line of its input, and prints a line for each: "malformed: WHY" where it cannot be
// read, "refused: WHY" where a database that trusts ROOT.assert does not take it, "taken" otherwise.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/snapcore/snapd/asserts"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: snapd-asserts ROOT.assert")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	content, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	trusted, err := decoded(content)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		stream, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		fmt.Fprintln(out, strings.ReplaceAll(verdict(trusted, stream), "\n", " "))
	}
	return errors.Join(lines.Err(), out.Flush())
}

func verdict(trusted []asserts.Assertion, stream []byte) string {
	if _, err := decoded(stream); err != nil {
		return fmt.Sprintf("malformed: %v", err)
	}
	config := asserts.DatabaseConfig{Backstore: asserts.NewMemoryBackstore(), Trusted: trusted}
	database, err := asserts.OpenDatabase(&config)
	if err != nil {
		return fmt.Sprintf("root: %v", err)
	}
	batch := asserts.NewBatch(nil)
	if _, err = batch.AddStream(bytes.NewReader(stream)); err == nil {
		err = batch.CommitTo(database, &asserts.CommitOptions{Precheck: true})
	}
	if err != nil {
		return fmt.Sprintf("refused: %v", err)
	}
	return "taken"
}

func decoded(stream []byte) (all []asserts.Assertion, err error) {
	decoder := asserts.NewDecoder(bytes.NewReader(stream))
	for {
		assertion, err := decoder.Decode()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, assertion)
	}
}
