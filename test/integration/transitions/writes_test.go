package transitions

import (
	"slices"

	. "github.com/onsi/gomega"
)

// writes are the versions in the scene after a revision, as far as they are known.
func (s *scene) writes(after string) []version {
	return slices.DeleteFunc(env.recorder.after(after), func(v version) bool {
		return !slices.Contains(s.world.Namespaces, v.namespace)
	})
}

// firstWrite waits for the first version after a revision, and returns it.
func (s *scene) firstWrite(after string) version {
	s.t.Helper()
	var found []version
	s.Eventually(func() []version { found = s.writes(after); return found }, soon, "1ms").ShouldNot(BeEmpty())
	return found[0]
}
