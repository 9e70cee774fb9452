package picture_test

import (
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/picture"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// evil is what no name may be, but a text of a finding or a label might hold.
const evil = `"]|--> x\"; end</title></script><script>window.hacked=1</script><img src=x onerror=hacked()>{{.}}%s&amp;#quot;` + "`\\\n\x00\x1b"

// evilPage has it wherever there is a text.
func evilPage() *picture.Page {
	g := &offline.Graph{
		Nodes: []offline.Node{
			{ID: "tier/" + evil, Kind: offline.TierNode, Profile: evil, Name: evil, About: []string{evil}, Namespaces: []string{evil}},
			{ID: "peer/" + evil, Kind: offline.PeerNode, Profile: evil, Name: evil, About: []string{evil}, Findings: []string{evil}},
			{ID: "remote/" + evil, Kind: offline.RemoteNode, Profile: evil, Name: evil},
		},
		Findings: []offline.GraphFinding{{Finding: plan.Finding{Reason: evil, Namespace: evil, Message: evil}, Profile: evil}},
	}
	for _, from := range g.Nodes {
		for _, to := range g.Nodes {
			g.Edges = append(g.Edges, offline.Edge{
				Profile: evil, Name: evil, From: from.ID, To: to.ID, Ports: evil, Service: evil, FromPods: evil, ToPods: evil,
				Access: []string{evil}, Closed: from.Kind == offline.PeerNode, Findings: []string{evil},
			})
		}
	}
	return &picture.Page{Graph: g, Matrix: &reach.Matrix{
		Groups: []reach.Group{{Name: evil, Namespaces: []string{evil}}}, Cells: [][]reach.Cell{{{Some: reach.Ports{evil}}}},
	}}
}

func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	page := evilPage()
	if out := htmlOf(t, page); strings.Count(out, "<script") != 1 || strings.Contains(out, "<img") || strings.Count(out, "</title>") < 2 {
		t.Errorf("a text became markup:\n%s", out)
	}
	wantXML(t, picture.SVG(page.Graph))
	// A quoted string of DOT ends at the first quotation mark that no backslash precedes; of Mermaid at the first.
	quoted := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	dot := quoted.ReplaceAllString(picture.DOT(page.Graph), "Q")
	if strings.ContainsAny(dot, "<>&`\"\\") && strings.Contains(strings.ReplaceAll(dot, "->", ""), ">") {
		t.Errorf("a text is not inside of quotation marks:\n%s", dot)
	}
	for line := range strings.Lines(picture.Mermaid(page.Graph)) {
		left := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(line, "Q")
		isKnown := regexp.MustCompile(`^(flowchart LR| +subgraph p\d+\[Q\]| +end| +n\d+(\(Q\)|\[Q\]):::\w+| +n\d+ (-->|-\.->)\|Q\| n\d+| +classDef .*| +linkStyle .*)$`)
		if !isKnown.MatchString(strings.TrimSuffix(left, "\n")) {
			t.Errorf("a text is not inside of quotation marks: %s", line)
		}
		for _, text := range regexp.MustCompile(`"[^"]*"`).FindAllString(line, -1) {
			if text = strings.ReplaceAll(text[1:len(text)-1], "<br/>", ""); strings.ContainsAny(text, "<>\"`[]{}|&") {
				t.Errorf("a text may mean something to Mermaid: %s", text)
			}
		}
	}
}

func wantXML(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok && slices.Contains([]string{"script", "img"}, start.Name.Local) {
			t.Errorf("a text became markup: %v", start)
		}
	}
}

// The page needs nothing else, and says so: no address but those inside of it, and a policy that allows no other.
func TestThePageStandsAlone(t *testing.T) {
	t.Parallel()
	out := htmlOf(t, pageOf(t, town(t)))
	for _, m := range regexp.MustCompile(`(?:\bsrc=|href=|url\(|@import)["' ]*([^"' >)]*)`).FindAllStringSubmatch(out, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page refers to %q", m[0])
		}
	}
	if !strings.Contains(out, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
		t.Error("there is no policy")
	}
	if strings.Contains(out, ` style="`) || strings.Contains(out, ` onclick="`) {
		t.Error("the policy stops what is written into attributes")
	}
}

// Objects come from lists and maps; what is drawn does not go by their order.
func TestTheSameIsDrawnAlike(t *testing.T) {
	t.Parallel()
	w := town(t)
	page := pageOf(t, w)
	want, wantDOT, wantMermaid := htmlOf(t, page), picture.DOT(page.Graph), picture.Mermaid(page.Graph)
	for range 5 {
		slices.Reverse(w.Profiles)
		slices.Reverse(w.Namespaces)
		for i := range w.Profiles {
			slices.Reverse(w.Profiles[i].Spec.Tiers)
			slices.Reverse(w.Profiles[i].Spec.Peers)
			slices.Reverse(w.Profiles[i].Spec.Dependencies)
		}
		page := pageOf(t, w)
		if htmlOf(t, page) != want || picture.DOT(page.Graph) != wantDOT || picture.Mermaid(page.Graph) != wantMermaid {
			t.Fatal("the same is drawn otherwise")
		}
	}
}

func TestABigProfileIsDrawnInSeconds(t *testing.T) {
	t.Parallel()
	w := big()
	began := time.Now()
	page := pageOf(t, w)
	judged := time.Since(began)
	for name, write := range map[string]func() string{
		"dot":     func() string { return picture.DOT(page.Graph) },
		"mermaid": func() string { return picture.Mermaid(page.Graph) },
		"svg":     func() string { return picture.SVG(page.Graph) },
		"html":    func() string { return htmlOf(t, page) },
	} {
		began := time.Now()
		out := write()
		if took := judged + time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		} else {
			t.Logf("%s: %v, %d bytes", name, took, len(out))
		}
		if strings.Count(out, "dependency-") < 200 {
			t.Errorf("%s leaves dependencies out", name)
		}
	}
}

func TestPNG(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*offline.World{"town": town(t), "big": big()} {
		out, err := picture.PNG(pageOf(t, w).Graph)
		if err != nil {
			t.Fatal(err)
		}
		config, err := png.DecodeConfig(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if pixels := config.Width * config.Height; pixels < 100_000 || pixels > 25_000_000 {
			t.Errorf("%s has %d x %d pixels", name, config.Width, config.Height)
		}
	}
}

func TestNothingIsDrawnOfNothing(t *testing.T) {
	t.Parallel()
	page := &picture.Page{Graph: &offline.Graph{}, Matrix: &reach.Matrix{}}
	wantXML(t, picture.SVG(page.Graph))
	if _, err := picture.PNG(page.Graph); err != nil {
		t.Error(err)
	}
	htmlOf(t, page)
}
