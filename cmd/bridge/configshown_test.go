package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestTheConfigurationShowsEveryKey: what configs/bridge.yaml does not have, nobody finds.
func TestTheConfigurationShowsEveryKey(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "configs", "bridge.yaml"))
	must(t, err)
	// A block begins at the left, in a comment, too, and ends where the next one begins.
	heads := regexp.MustCompile(`(?m)^(?:# )?([a-z_]+):`).FindAllSubmatchIndex(raw, -1)
	blocks := map[string]string{}
	for i, at := range heads {
		end := len(raw)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		blocks[string(raw[at[2]:at[3]])] += string(raw[at[0]:end])
	}
	for name, typ := range fields(reflect.TypeFor[Config]()) {
		if blocks[name] == "" {
			t.Errorf("there is no block %s", name)
			continue
		}
		for _, key := range keysWithin(typ) {
			if !regexp.MustCompile(`[\s{,]` + key + `:`).MatchString(blocks[name]) {
				t.Errorf("%s does not show the key %s", name, key)
			}
		}
	}
}

// keysWithin are the keys of a type at any depth. A secret from a file is as good as shown by the secret.
func keysWithin(t reflect.Type) (list []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	keys := fields(t)
	if t == reflect.TypeFor[ChannelConfig]() { // the rest of it is the providers'
		for _, p := range providers {
			maps.Copy(keys, fields(p.keys))
		}
	}
	for name, typ := range keys {
		if secret, file := strings.CutSuffix(name, "_file"); !file || keys[secret] == nil {
			list = append(list, name)
		}
		list = append(list, keysWithin(typ)...)
	}
	return list
}
