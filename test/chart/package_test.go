package chart

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestPackedWithAVersion does what "make chart VERSION=..." does.
func TestPackedWithAVersion(t *testing.T) {
	cases := map[string]struct{ version, want string }{
		"a release":                     {"v1.2.3", "1.2.3"},
		"a candidate":                   {"v1.2.3-rc.1", "1.2.3-rc.1"},
		"commits after a release":       {"v1.2.3-14-g0a1b2c3-dirty", "1.2.3-14-g0a1b2c3-dirty"},
		"a commit before any release":   {"0123456", "0.0.0-git-0123456"},
		"a checkout without git":        {"dev", "0.0.0-git-dev"},
		"a tag that is no version":      {"v1.2", "0.0.0-git-v1-2"},
		"a number that SemVer does not": {"v1.02.3", "0.0.0-git-v1-02-3"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			chart := packed(t, c.version)
			if chart.Metadata.Version != c.want || chart.Metadata.AppVersion != c.version {
				t.Errorf("the chart is %s of %s", chart.Metadata.Version, chart.Metadata.AppVersion)
			}
			if err := chart.Validate(); err != nil {
				t.Error(err)
			}
			got := must(try(chart, deploy.Namespace, nil))(t).Manifest
			want := "image: ghcr.io/segmentation-dev/segmentation-operator:" + c.version
			if !strings.Contains(got, want+"\n") {
				t.Errorf("the archive does not install %s", want)
			}
		})
	}
}

// TestPackedWithADigest: a release names its image by what it is.
func TestPackedWithADigest(t *testing.T) {
	chart := packed(t, "v1.2.3", digest)
	got := must(try(chart, deploy.Namespace, nil))(t).Manifest
	if want := "image: ghcr.io/segmentation-dev/segmentation-operator@" + digest; !strings.Contains(got, want+"\n") {
		t.Errorf("the archive does not install %s", want)
	}
}

// TestPackedIsTheSameEachTime, so that whoever packs it again can compare.
func TestPackedIsTheSameEachTime(t *testing.T) {
	first, second := must(os.ReadFile(pack(t, "v1.2.3")))(t), must(os.ReadFile(pack(t, "v1.2.3")))(t)
	if !bytes.Equal(first, second) {
		t.Error("two archives of the same checkout differ")
	}
}

func TestWhatIsNoVersionIsRefused(t *testing.T) {
	for name, arguments := range map[string][]string{
		"empty": {"", t.TempDir()}, "more than a tag": {"v1 && x", t.TempDir()}, "another line": {"v1\nname: x", t.TempDir()},
		"a tag for a digest": {"v1.2.3", t.TempDir(), "v1.2.3"},
	} {
		if out, err := packing(t, arguments...).CombinedOutput(); err == nil {
			t.Errorf("%s: packed %s", name, out)
		}
	}
}

func packed(t *testing.T, version string, digests ...string) *chartv2.Chart {
	t.Helper()
	return must(loader.LoadFile(pack(t, version, digests...)))(t)
}

func pack(t *testing.T, version string, digests ...string) string {
	t.Helper()
	dir := t.TempDir()
	command := packing(t, append([]string{version, dir}, digests...)...)
	command.Stderr = os.Stderr
	archive := strings.TrimSpace(string(must(command.Output())(t)))
	if filepath.Dir(archive) != dir {
		t.Fatalf("the archive is %s", archive)
	}
	return archive
}

func packing(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	script := must(filepath.Abs(repository(t, "internal", "tools", "chart.sh")))(t)
	return exec.CommandContext(t.Context(), script, arguments...) // #nosec G204 -- The test's own words.
}
