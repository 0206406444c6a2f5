// Our proofs, checkpoints and tiles in the terms of golang.org/x/mod/sumdb, the code behind Go's checksum database.
// Knows nothing of Charter: reads cases as JSON, answers null for what holds, else the package's own refusal.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type given struct {
	Kind      string
	Leaf      []byte
	Index     int64
	OldSize   int64     `json:"old_size"`
	OldRoot   tlog.Hash `json:"old_root"`
	Size      int64
	Root      tlog.Hash
	Hashes    []tlog.Hash
	Note      string
	Vkey      string
	Witnesses []string
	Folder    string
}

// A witness is a key of C2SP's kind 4: it signs the checkpoint under a header with the time (c2sp.org/tlog-cosignature).
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.key, []byte(signed), sig[8:])
}

func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || key[0] != 4 {
		return nil, errors.New("not a witness's key")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	return witness{parts[0], binary.BigEndian.Uint32(sum[:]), key[1:]}, nil
}

// The tree that the note speaks of, once the log and every witness are found to have signed it.
func open(c given) (tree tlog.Tree, err error) {
	key, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return
	}
	known := []note.Verifier{key}
	for _, vkey := range c.Witnesses {
		one, err := newWitness(vkey)
		if err != nil {
			return tree, err
		}
		known = append(known, one)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(known...))
	if err != nil {
		return
	}
	if len(opened.Sigs) != len(known) {
		return tree, fmt.Errorf("%d of %d signatures", len(opened.Sigs), len(known))
	}
	lines := strings.Split(opened.Text, "\n")
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return
}

// Tiles as C2SP tlog-tiles publishes them: Go's own path, without the height.
type tiles struct{ folder string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		read, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		data = append(data, read)
	}
	return data, nil
}

// Every entry of the folder is where the signed tree has it, by the tiles, which are checked against the root.
func folder(c given) error {
	tree, err := open(c)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{c.Folder})
	for first := int64(0); first < tree.N; first += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(min(1<<height, tree.N-first))}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(c.Folder, path))
		if err != nil {
			return err
		}
		var indexes []int64
		var leaves []tlog.Hash
		for index := first; len(bundle) > 0; index++ {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if end > len(bundle) {
				return errors.New("entry bundle cut short")
			}
			leaves = append(leaves, tlog.RecordHash(bundle[2:end]))
			indexes = append(indexes, tlog.StoredHashIndex(0, index))
			bundle = bundle[end:]
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		if len(leaves) != tile.W {
			return fmt.Errorf("%s holds %d entries", path, len(leaves))
		}
		for at := range leaves {
			if !bytes.Equal(leaves[at][:], hashes[at][:]) {
				return fmt.Errorf("entry %d is not the tree's", first+int64(at))
			}
		}
	}
	old, err := tlog.TreeHash(c.OldSize, reader)
	if err == nil && old != c.OldRoot {
		err = errors.New("the older tree is not this one's beginning")
	}
	return err
}

func verdict(c given) error {
	switch c.Kind {
	case "inclusion":
		return tlog.CheckRecord(c.Hashes, c.Size, c.Root, c.Index, tlog.RecordHash(c.Leaf))
	case "consistency":
		return tlog.CheckTree(c.Hashes, c.Size, c.Root, c.OldSize, c.OldRoot)
	case "checkpoint":
		_, err := open(c)
		return err
	case "folder":
		return folder(c)
	}
	panic("unknown kind " + c.Kind)
}

func main() {
	var cases []given
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	answers := make([]*string, len(cases))
	for at, c := range cases {
		if err := verdict(c); err != nil {
			refusal := err.Error()
			answers[at] = &refusal
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
