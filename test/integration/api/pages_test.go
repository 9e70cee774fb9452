package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// root is where the repository begins.
var root = filepath.Join("..", "..", "..")

// What the pages and the samples show, people copy.
func TestProfilesOfThePagesAndTheSamplesAreAccepted(t *testing.T) {
	least := map[string]int{"README.md": 1, "docs/profile.md": 10, "config/samples/shop.yaml": 1, "config/samples/platform.yaml": 1}
	for _, pattern := range []string{"README.md", "docs/*.md", "config/samples/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("there is nothing like %s: %v", pattern, err)
		}
		for _, file := range files {
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			profiles := profilesIn(t, file)
			if len(profiles) < least[name] {
				t.Errorf("%s has %d profiles, fewer than %d", name, len(profiles), least[name])
			}
			for _, profile := range profiles {
				t.Run(name+"/"+profile.GetName(), func(t *testing.T) {
					if err := server.Create(t.Context(), profile, client.DryRunAll); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// profilesIn are the profiles of a file: all of it, if it is YAML, and what is fenced as YAML, if it is a page.
func profilesIn(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(file) == ".yaml" {
		return profilesOf(t, file, content)
	}
	var out []*unstructured.Unstructured
	for _, example := range fenced(string(content)) {
		out = append(out, profilesOf(t, file, []byte(example))...)
	}
	return out
}

// fenced are the examples of a page, without the indentation that those in lists have.
func fenced(page string) []string {
	var out []string
	var lines []string
	indent, inside := "", false
	for line := range strings.Lines(page) {
		bare := strings.TrimLeft(line, " ")
		switch {
		case !inside && strings.TrimSpace(bare) == "```yaml":
			indent, inside, lines = line[:len(line)-len(bare)], true, nil
		case inside && strings.HasPrefix(bare, "```"):
			out, inside = append(out, strings.Join(lines, "")), false
		case inside:
			lines = append(lines, strings.TrimPrefix(line, indent))
		}
	}
	return out
}

func profilesOf(t *testing.T, file string, content []byte) []*unstructured.Unstructured {
	t.Helper()
	reader := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(content)))
	var out []*unstructured.Unstructured
	buffer := make([]byte, len(content)+1)
	for {
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(buffer[:n], &object.Object); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, buffer[:n])
		}
		if object.GetKind() == "SegmentationProfile" {
			out = append(out, object)
		}
	}
}

var code = regexp.MustCompile("`[^`]+`")

// Each row of the table is tried, and is in the API server's words.
func TestTheTableOfCommonMistakesIsTrue(t *testing.T) {
	rows := mistakes(t)
	said := map[string]bool{}
	for i, c := range loadFile(t, "testdata/mistakes.yaml") {
		t.Run(fmt.Sprintf("%d %s", i, c.Name), func(t *testing.T) {
			words, found := rows[c.Name]
			if !found {
				t.Fatal("the table has no such row")
			}
			err := server.Create(t.Context(), c.raw("mistaken"), client.DryRunAll)
			if err == nil {
				t.Fatal("the API server accepted it")
			}
			if !slices.ContainsFunc(words, func(w string) bool {
				said[w] = said[w] || strings.Contains(err.Error(), w)
				return strings.Contains(err.Error(), w)
			}) {
				t.Errorf("the API server said\n%v\nand the table\n%s", err, strings.Join(words, "\n"))
			}
		})
	}
	for mistake, words := range rows {
		for _, w := range words {
			if !said[w] {
				t.Errorf("no case of %q was answered by %s", mistake, w)
			}
		}
	}
}

// mistakes are the rows of the table: what is wrong, and what the API server says, in one of several ways.
func mistakes(t *testing.T) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "docs", "profile.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(content), "\n### Common mistakes\n")
	section, _, _ = strings.Cut(section, "\n##")
	rows := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 2 || !strings.HasPrefix(cells[0], "| ") || strings.Contains(cells[0], "---") || cells[0] == "| mistake" {
			continue
		}
		for _, words := range code.FindAllString(cells[1], -1) {
			mistake := strings.TrimPrefix(cells[0], "| ")
			rows[mistake] = append(rows[mistake], strings.Trim(words, "`"))
		}
	}
	return rows
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Links lead to files that are there, and to headings that they have.
func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		if filepath.Base(page) == "api.md" {
			continue // It is generated, and full of expressions that look like links.
		}
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s: %s has no heading for %s", page, target, anchor)
			}
		}
	}
}

// anchors are those of a page's headings, as GitHub makes them.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, match := range heading.FindAllStringSubmatch(string(content), -1) {
		out = append(out, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return out
}
