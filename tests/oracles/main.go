// Checks and makes notes, trees, proofs and tiles with golang.org/x/mod, for tests/oracles/*.py.
//
// Reads one JSON array of jobs from standard input and writes one array of answers. An answer's
// "error" is empty if the library accepted what it was given. Nothing of the project is used here.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type job struct {
	Op      string
	Note    []byte
	Text    []byte
	Keys    []string
	Secret  string
	Folder  string
	Leaves  [][]byte
	Leaf    []byte
	Proof   [][]byte
	Index   int64
	Old     int64
	OldRoot []byte
	Size    int64
	Root    []byte
}

type answer struct {
	Error string   `json:"error"`
	Note  []byte   `json:"note,omitempty"`
	Text  []byte   `json:"text,omitempty"`
	Names []string `json:"names,omitempty"`
	Root  []byte   `json:"root,omitempty"`
	Proof [][]byte `json:"proof,omitempty"`
	Count int      `json:"count,omitempty"`
}

type operation func(job, *answer) error

var operations = map[string]operation{
	"open_note":         openNote,
	"sign_note":         signNote,
	"tree":              tree,
	"check_inclusion":   checkInclusion,
	"check_consistency": checkConsistency,
	"prove_inclusion":   proveInclusion,
	"prove_consistency": proveConsistency,
	"read_tiles":        readTiles,
	"write_tiles":       writeTiles,
}

func main() {
	var jobs []job
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	answers := make([]answer, len(jobs))
	for i, j := range jobs {
		if err := operations[j.Op](j, &answers[i]); err != nil {
			answers[i].Error = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		os.Exit(2)
	}
}

func openNote(j job, a *answer) error {
	var verifiers []note.Verifier
	for _, key := range j.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(j.Note, note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	a.Text = []byte(opened.Text)
	for _, sig := range opened.Sigs {
		a.Names = append(a.Names, sig.Name)
	}
	return nil
}

func signNote(j job, a *answer) error {
	signer, err := note.NewSigner(j.Secret)
	if err != nil {
		return err
	}
	a.Note, err = note.Sign(&note.Note{Text: string(j.Text)}, signer)
	return err
}

// memory holds the stored hashes of a tree that was built leaf by leaf.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = m[index]
	}
	return hashes, nil
}

func build(leaves [][]byte) (memory, error) {
	var stored memory
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	return stored, nil
}

func tree(j job, a *answer) error {
	stored, err := build(j.Leaves)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(int64(len(j.Leaves)), stored)
	a.Root = root[:]
	return err
}

func proveInclusion(j job, a *answer) error {
	stored, err := build(j.Leaves)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(int64(len(j.Leaves)), j.Index, stored)
	for i := range proof {
		a.Proof = append(a.Proof, proof[i][:])
	}
	return err
}

func proveConsistency(j job, a *answer) error {
	stored, err := build(j.Leaves)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(int64(len(j.Leaves)), j.Old, stored)
	for i := range proof {
		a.Proof = append(a.Proof, proof[i][:])
	}
	return err
}

func checkInclusion(j job, _ *answer) error {
	return tlog.CheckRecord(hashes(j.Proof), j.Size, hash(j.Root), j.Index, tlog.RecordHash(j.Leaf))
}

func checkConsistency(j job, _ *answer) error {
	return tlog.CheckTree(hashes(j.Proof), j.Size, hash(j.Root), j.Old, hash(j.OldRoot))
}

// folder reads tiles where tlog-tiles puts them: tile/<L>/<N>, without the height of sumdb's paths.
type folder string

func (f folder) path(tile tlog.Tile) string {
	return filepath.Join(string(f), strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1))
}

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(f.path(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// readTiles has the library authenticate every leaf hash through the tiles under the given root, then
// compares each entry of the bundles with its leaf hash.
func readTiles(j job, a *answer) error {
	reader := tlog.TileHashReader(tlog.Tree{N: j.Size, Hash: hash(j.Root)}, folder(j.Folder))
	for first := int64(0); first < j.Size; first += 256 {
		width := j.Size - first
		if width > 256 {
			width = 256
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		leaves, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		entries, err := bundle(folder(j.Folder).path(tlog.Tile{H: height, L: -1, N: first / 256, W: int(width)}))
		if err != nil {
			return err
		}
		if len(entries) != len(leaves) {
			return fmt.Errorf("bundle %d holds %d entries, not %d", first/256, len(entries), width)
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return fmt.Errorf("entry %d is not the leaf", first+int64(i))
			}
		}
		a.Count += len(entries)
	}
	return nil
}

// bundle splits an entry bundle; tlog-tiles calls the folder "entries" where sumdb says "data".
func bundle(path string) ([][]byte, error) {
	data, err := os.ReadFile(strings.Replace(path, "tile/data/", "tile/entries/", 1))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) >= 2 {
		length := int(data[0])<<8 | int(data[1])
		if len(data) < 2+length {
			break
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%s does not end with an entry", filepath.Base(path))
	}
	return entries, nil
}

// writeTiles makes the hash tiles of a tree and the bundles of its entries in a folder.
func writeTiles(j job, a *answer) error {
	stored, err := build(j.Leaves)
	if err != nil {
		return err
	}
	size := int64(len(j.Leaves))
	for _, tile := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		if err := write(folder(j.Folder).path(tile), data); err != nil {
			return err
		}
		a.Count++
	}
	for first := int64(0); first < size; first += 256 {
		var data []byte
		width := 0
		for i := first; i < size && width < 256; i++ {
			data = append(data, byte(len(j.Leaves[i])>>8), byte(len(j.Leaves[i])))
			data = append(data, j.Leaves[i]...)
			width++
		}
		path := folder(j.Folder).path(tlog.Tile{H: height, L: -1, N: first / 256, W: width})
		if err := write(strings.Replace(path, "tile/data/", "tile/entries/", 1), data); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(size, stored)
	a.Root = root[:]
	return err
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func hash(data []byte) (h tlog.Hash) {
	copy(h[:], data)
	return h
}

func hashes(all [][]byte) []tlog.Hash {
	result := make([]tlog.Hash, len(all))
	for i, data := range all {
		result[i] = hash(data)
	}
	return result
}
