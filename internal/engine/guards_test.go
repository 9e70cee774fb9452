package engine

import "testing"

func TestGuards(t *testing.T) {
	cases := map[string]struct {
		found Found
		want  Reading
	}{
		"a version that has them":           {Found{Name: Calico, Version: "3.32.1"}, Enforced},
		"an older one":                      {Found{Name: Calico, Version: "3.31"}, Ignored},
		"a version that is not known":       {Found{Name: Calico}, Optional},
		"one that does not know them":       {Found{Name: WeaveNet}, Ignored},
		"one that has to have it on":        {Found{Name: Cilium, Version: "1.20"}, Optional},
		"nothing enforces policies":         {Found{Name: None}, Unread},
		"it is not known what enforces any": {Found{}, Unread},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, what := c.found.Guards()
			if got != c.want || (got == Optional || got == Ignored) && what == "" {
				t.Errorf("%s (%s), want %s", got, what, c.want)
			}
		})
	}
}
