package cluster

// Option changes how a cluster is started.
type Option func(*settings)

// settings are what the options set.
type settings struct {
	audit           AuditLevel
	crds            []string
	flags           map[string][]string
	logDir          string
	controller      bool
	moreControllers []string
	managerFlags    []string
	progress        func(step string)
}

func newSettings(options []Option) settings {
	s := settings{
		flags:      map[string][]string{},
		controller: true,
		progress:   func(string) {},
	}
	for _, option := range options {
		option(&s)
	}
	return s
}

// WithAudit has the API server log every request at the given level, for
// Cluster.Audit.
func WithAudit(level AuditLevel) Option {
	return func(s *settings) { s.audit = level }
}

// WithCRDs installs the CustomResourceDefinitions in the given files and
// directories before the controllers start, so that the garbage collector knows
// them from the beginning.
func WithCRDs(paths ...string) Option {
	return func(s *settings) { s.crds = append(s.crds, paths...) }
}

// WithAPIServerFlag sets a flag of kube-apiserver, given without its dashes, in
// place of the value that it would have.
func WithAPIServerFlag(name string, values ...string) Option {
	return func(s *settings) { s.flags[name] = values }
}

// WithManagerFlag sets a flag of kube-controller-manager, given without its dashes, in place of
// the value that it would have.
func WithManagerFlag(name, value string) Option {
	return func(s *settings) { s.managerFlags = append(s.managerFlags, "--"+name+"="+value) }
}

// WithoutControllerManager leaves out kube-controller-manager, which makes the
// start faster: nothing is then collected, aggregated or given a default service
// account, and deleted namespaces stay.
func WithoutControllerManager() Option {
	return func(s *settings) { s.controller = false }
}

// WithControllers runs controllers of kube-controller-manager beside those that always
// run, by the names that its flag --controllers takes.
func WithControllers(names ...string) Option {
	return func(s *settings) { s.moreControllers = append(s.moreControllers, names...) }
}

// WithLogDir keeps the logs of all processes in a directory, which must exist.
// Without it they are gone when the cluster stops.
func WithLogDir(dir string) Option {
	return func(s *settings) { s.logDir = dir }
}

// WithProgress calls a function as each step of the start begins.
func WithProgress(progress func(step string)) Option {
	return func(s *settings) { s.progress = progress }
}
