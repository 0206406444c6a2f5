// check FOLDER [FILE...]: checks an exported log, then tlog-proofs and older checkpoints against it.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var (
	folder    string
	logKeys   []note.Verifier                // in the order of policy.txt
	bounds    = map[note.Verifier][2]int64{} // the tree sizes that a key may sign, from and until
	witnesses []note.Verifier
	quorum    int
	hashes    []tlog.Hash // of the whole tree, in tlog's order
)

func main() {
	folder = os.Args[1]
	readPolicy()
	tree, said := open(read("checkpoint"), quorum)
	fmt.Println("checkpoint:", said)
	bodies := rebuild(tree)
	fmt.Println("entries:", tree.N, "give the signed root")
	fmt.Println("tiles:", checkTiles(tree.N), "hold")
	fmt.Println("public parts:", checkParts(bodies), "are what their entries committed to")
	for _, path := range os.Args[2:] {
		data, err := os.ReadFile(path)
		must(err == nil, path, err)
		fmt.Printf("%s: %s\n", path, checkFile(data, tree))
	}
}

func must(holds bool, why ...any) {
	if !holds {
		fmt.Fprintln(os.Stderr, "DOES NOT HOLD:", fmt.Sprint(why...))
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, path))
	must(err == nil, err)
	return data
}

// A witness signs the checkpoint under a header with the time (c2sp.org/tlog-cosignature).
type witness struct{ name, key string }

func (w witness) Name() string { return w.name }
func (w witness) KeyHash() uint32 {
	sum := sha256.Sum256([]byte(w.name + "\n" + w.key))
	return binary.BigEndian.Uint32(sum[:])
}
func (w witness) Verify(text, sig []byte) bool {
	header := "cosignature/v1\ntime %d\n%s"
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Appendf(nil, header, binary.BigEndian.Uint64(sig), text)
	return ed25519.Verify([]byte(w.key[1:]), signed, sig[8:])
}

func readPolicy() {
	for _, line := range strings.Split(string(read("policy.txt")), "\n") {
		switch word := append(strings.Fields(line), "", "", ""); word[0] {
		case "log":
			key, err := note.NewVerifier(word[1])
			must(err == nil, err, line)
			logKeys = append(logKeys, key)
			bounds[key] = [2]int64{number(word[2], 0), number(word[3], 1<<62)}
		case "witness":
			name, rest, _ := strings.Cut(word[1], "+")
			_, material, _ := strings.Cut(rest, "+")
			key, err := base64.StdEncoding.DecodeString(material)
			must(err == nil && len(key) == 33 && key[0] == 4, "not a witness's key: ", line)
			witnesses = append(witnesses, witness{name, string(key)})
		case "quorum":
			quorum = int(number(word[1], 0))
		}
	}
}

func number(text string, otherwise int64) int64 {
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseInt(text, 10, 64)
	must(err == nil, err)
	return value
}

// The tree that a checkpoint speaks of, once a key that may sign one of its size and enough witnesses signed it.
func open(text []byte, needed int) (tree tlog.Tree, said string) {
	opened, err := note.Open(text, note.VerifierList(slices.Concat(logKeys, witnesses)...))
	must(err == nil, err)
	lines := strings.Split(opened.Text, "\n")
	must(len(lines) == 4, "a checkpoint has three lines")
	tree.N = number(lines[1], 0)
	tree.Hash, err = tlog.ParseHash(lines[2])
	must(err == nil, err)
	signed := func(known []note.Verifier) (names []string) {
		for _, key := range known {
			for _, sig := range opened.Sigs {
				sizes, isLog := bounds[key]
				may := !isLog || sizes[0] <= tree.N && tree.N <= sizes[1]
				if may && sig.Name == key.Name() && sig.Hash == key.KeyHash() {
					names = append(names, key.Name())
				}
			}
		}
		return
	}
	logs, seen := signed(logKeys), signed(witnesses)
	must(len(logs) > 0 && logs[0] == lines[0], "no key of the log may sign a tree of ", tree.N)
	must(len(seen) >= needed, len(seen), " of ", needed, " witnesses cosigned it")
	return tree, fmt.Sprintf("%d entries of %s, cosigned by %d: %s", tree.N, lines[0], len(seen), strings.Join(seen, ", "))
}

func stored(indexes []int64) (found []tlog.Hash, err error) {
	for _, index := range indexes {
		found = append(found, hashes[index])
	}
	return
}

// Where a tile lies; Go's own path names its height too.
func place(kind string, level int, index, width int64) string {
	path := tlog.Tile{H: 8, L: level, N: index, W: int(width)}.Path()
	return strings.Replace(path, fmt.Sprintf("tile/8/%d/", level), kind, 1)
}

// The log's entries, hashed again into a tree.
func rebuild(tree tlog.Tree) (bodies [][]byte) {
	for first := int64(0); first < tree.N; first += 256 {
		bundle := read(place("tile/entries/", 0, first/256, min(256, tree.N-first)))
		for len(bundle) > 0 {
			end := 2 + int(binary.BigEndian.Uint16(append(bundle, 0)))
			must(end <= len(bundle), "an entry bundle is cut short")
			more, err := tlog.StoredHashes(int64(len(bodies)), bundle[2:end], tlog.HashReaderFunc(stored))
			must(err == nil, err)
			hashes, bodies, bundle = append(hashes, more...), append(bodies, bundle[2:end]), bundle[end:]
		}
	}
	must(int64(len(bodies)) == tree.N, len(bodies), " entries instead of ", tree.N)
	must(begins(tree), "the entries do not give the signed root")
	return
}

func begins(tree tlog.Tree) bool {
	root, err := tlog.TreeHash(tree.N, tlog.HashReaderFunc(stored))
	return err == nil && (tree.N == 0 || root == tree.Hash)
}

func checkTiles(size int64) (count int) {
	for level := 0; size > 0; level, size = level+1, size/256 {
		for index := int64(0); index*256 < size; index++ {
			width := min(256, size-index*256)
			wanted, err := tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: index, W: int(width)}, tlog.HashReaderFunc(stored))
			path := place(fmt.Sprintf("tile/%d/", level), level, index, width)
			must(err == nil && bytes.Equal(wanted, read(path)), path, " is not the tree's")
			count++
		}
	}
	return
}

// What the public parts say is what the entries committed to: SHA-256 over salt and payload. Erased ones are null.
func checkParts(bodies [][]byte) (count int) {
	for first := 0; first < len(bodies); first += 256 {
		lines := read(place("parts/", 0, int64(first/256), min(256, int64(len(bodies)-first))))
		for decoder := json.NewDecoder(bytes.NewReader(lines)); decoder.More(); {
			var part struct {
				Index         int
				Salt, Payload *string
			}
			must(decoder.Decode(&part) == nil && part.Index < len(bodies), "a public part is malformed")
			if part.Payload == nil {
				continue
			}
			var body struct{ Payload map[string]string }
			salt, err := hex.DecodeString(*part.Salt)
			must(err == nil && json.Unmarshal(bodies[part.Index], &body) == nil, "entry ", part.Index, " is malformed")
			sum := sha256.Sum256(append(salt, *part.Payload...))
			must(hex.EncodeToString(sum[:]) == body.Payload["P"], "entry ", part.Index, " committed to another public part")
			count++
		}
	}
	return
}

// A tlog-proof of one entry, or a checkpoint from before.
func checkFile(data []byte, newest tlog.Tree) string {
	head, rest, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		tree, _ := open(data, 0)
		must(tree.N <= newest.N && begins(tree), "the log does not begin with those ", tree.N, " entries")
		return fmt.Sprintf("the log begins with those %d entries", tree.N)
	}
	must(len(lines) > 1, "the proof names no entry")
	tree, _ := open([]byte(rest), quorum)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(err == nil, err)
		proof = append(proof, hash)
	}
	index := number(strings.TrimPrefix(lines[1], "index "), 0)
	must(tree.N <= newest.N && index < tree.N && begins(tree), "the proof is under another tree")
	err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hashes[tlog.StoredHashIndex(0, index)])
	must(err == nil, err)
	return fmt.Sprintf("entry %d is in the tree of %d", index, tree.N)
}
