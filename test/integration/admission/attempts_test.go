package admission

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// attempt is a try to gain something. Those who try are real users, and have the rights that RBAC gives them.
type attempt struct {
	// who tries: see siege.
	who string
	// what is tried.
	what string
	// try makes the attempt, and returns what the API server says to it.
	try func(*siege) error
	// refused is what the API server says, without what differs from run to run; empty if it lets it pass.
	refused string
	// harmless says why an attempt gains nothing that the API server lets pass, and shown shows it.
	harmless string
	shown    func(*siege)
}

// outcome is what the documentation says came of it.
func (a *attempt) outcome() string {
	if a.refused != "" {
		return "refused: `" + strings.ReplaceAll(a.refused, "|", "\\|") + "`"
	}
	return "harmless: " + a.harmless
}

// TestAttempts makes them all, one after the other, against one profile that stands while they are made.
func TestAttempts(t *testing.T) {
	w := newWorld(t)
	stand := besiege(w)
	all := attempts()
	if len(all) < 30 {
		t.Errorf("only %d attempts are made", len(all))
	}
	for i, a := range all {
		w.run(fmt.Sprintf("%02d %s %s", i+1, a.who, a.what), func(w *world) {
			s := stand.in(w)
			err := a.try(s)
			if a.refused != "" {
				w.Expect(err).To(HaveOccurred())
				w.Expect(err.Error()).To(ContainSubstring(a.refused))
				return
			}
			w.Expect(err).NotTo(HaveOccurred())
			a.shown(s)
		})
	}
	w.run("and the profile stands as it did", func(w *world) { stand.in(w).stands() })
}

// TestAttemptsAreDocumented compares the table in the documentation with what is tried here.
func TestAttemptsAreDocumented(t *testing.T) {
	root, err := deploy.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i, a := range attempts() {
		rows = append(rows, fmt.Sprintf("| %d | %s | %s | %s |", i+1, a.who, a.what, a.outcome()))
	}
	if want := strings.Join(rows, "\n") + "\n"; !strings.Contains(string(page), "\n"+want+"\n") {
		t.Errorf("the table of attempts in docs/security.md should have these rows, and no others:\n%s", want)
	}
}

// dry has an attempt change nothing if it should pass.
var dry = client.DryRunAll
