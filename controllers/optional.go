package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Optional follows a kind of a custom resource that may be installed in the cluster, and removed from it, while the operator
// runs. It watches the definition, and as long as that is served, the objects.
type Optional struct {
	// Definition is the name of the CustomResourceDefinition, and Version the version that has to be served.
	Definition, Version string
	// Annotation is an annotation of the definition that says which release of it is installed; empty if there is none.
	Annotation string
	// Object is an empty object of the kind.
	Object client.Object
	// Config and Scheme are those of the manager, and Mapper is its mapper.
	Config *rest.Config
	Scheme *runtime.Scheme
	Mapper meta.RESTMapper
	// Logger is what is logged to.
	Logger logr.Logger

	mu sync.Mutex
	// isLooked is set once it is known whether the definition is there.
	isLooked bool
	present  *present
	told     []func(client.Object)
}

// present is a kind as long as it is there.
type present struct {
	definition types.UID
	// annotation is the value of the annotation of the definition.
	annotation string
	reader     client.Reader
	isSynced   bool
	stop       context.CancelFunc
}

// Notify sets what is called with each object that changes, and with nil when the kind has come or gone. It is called
// before Start.
func (o *Optional) Notify(tell func(client.Object)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, tell)
}

// Reader reads objects of the kind from the cache; nil as long as it is not there, or not filled yet.
func (o *Optional) Reader() client.Reader {
	reader, _ := o.Known()
	return reader
}

// Known is like Reader, and tells whether it is known that there are no objects if there is no reader.
func (o *Optional) Known() (reader client.Reader, isKnown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.present == nil:
		return nil, o.isLooked
	case !o.present.isSynced:
		return nil, false
	default:
		return o.present.reader, true
	}
}

// IsInstalled tells whether the kind is there, and the value of the annotation of its definition.
func (o *Optional) IsInstalled() (isInstalled bool, annotation string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.present == nil {
		return false, ""
	}
	return true, o.present.annotation
}

// NeedLeaderElection tells the manager that standbys follow the kind too.
func (*Optional) NeedLeaderElection() bool { return false }

// Start follows the kind until the context ends.
func (o *Optional) Start(ctx context.Context) error {
	definitions, err := cache.New(o.Config, cache.Options{
		Scheme: o.Scheme, Mapper: o.Mapper,
		ByObject: map[client.Object]cache.ByObject{&apiextensionsv1.CustomResourceDefinition{}: {
			Field: fields.OneTermEqualSelector("metadata.name", o.Definition), Transform: withoutSchemas,
		}},
	})
	if err != nil {
		return fmt.Errorf("setting up the watch of %s: %w", o.Definition, err)
	}
	informer, err := definitions.GetInformer(ctx, &apiextensionsv1.CustomResourceDefinition{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching %s: %w", o.Definition, err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { o.look(ctx, obj) },
		UpdateFunc: func(_, obj any) { o.look(ctx, obj) },
		DeleteFunc: func(any) { o.leave() },
	})
	if err != nil {
		return fmt.Errorf("watching %s: %w", o.Definition, err)
	}
	defer o.leave()
	go func() {
		if toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced, registration.HasSynced) {
			o.mu.Lock()
			o.isLooked = true
			o.mu.Unlock()
			o.tell(nil)
		}
	}()
	return definitions.Start(ctx)
}

// withoutSchemas drops what is most of a definition, and not read.
func withoutSchemas(obj any) (any, error) {
	if definition, ok := obj.(*apiextensionsv1.CustomResourceDefinition); ok {
		definition.ManagedFields = nil
		for i := range definition.Spec.Versions {
			definition.Spec.Versions[i].Schema = nil
		}
	}
	return obj, nil
}

// look begins to watch objects when the definition is served, and ends it when it is not.
func (o *Optional) look(ctx context.Context, obj any) {
	definition, ok := obj.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return
	}
	if !o.isServed(definition) {
		o.leave()
		return
	}
	o.mu.Lock()
	isKnown := o.present != nil && o.present.definition == definition.UID
	if isKnown {
		o.present.annotation = definition.Annotations[o.Annotation]
	}
	o.mu.Unlock()
	if isKnown {
		return
	}
	o.leave() // It was made anew.
	if err := o.arrive(ctx, definition); err != nil {
		o.Logger.Error(err, "A kind that was installed cannot be watched", "definition", o.Definition)
	}
}

func (o *Optional) isServed(definition *apiextensionsv1.CustomResourceDefinition) bool {
	isThere := slices.ContainsFunc(definition.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
		return v.Name == o.Version && v.Served
	})
	isEstablished := slices.ContainsFunc(definition.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	})
	return isThere && isEstablished && definition.DeletionTimestamp == nil
}

// arrive begins to watch objects.
func (o *Optional) arrive(ctx context.Context, definition *apiextensionsv1.CustomResourceDefinition) error {
	share := true
	objects, err := cache.New(o.Config, cache.Options{
		Scheme: o.Scheme, Mapper: o.Mapper, DefaultTransform: cache.TransformStripManagedFields(), DefaultUnsafeDisableDeepCopy: &share,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	is := &present{definition: definition.UID, annotation: definition.Annotations[o.Annotation], reader: objects, stop: stop}
	o.mu.Lock()
	o.present = is
	o.mu.Unlock()
	go func() {
		defer stop()
		if err := o.follow(ctx, is, objects); err != nil && !errors.Is(err, context.Canceled) {
			o.Logger.Error(err, "Following a kind has ended", "definition", o.Definition)
		}
	}()
	return nil
}

// follow watches objects until the context ends.
func (o *Optional) follow(ctx context.Context, is *present, objects cache.Cache) error {
	var informer cache.Informer
	err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		// Discovery may not know yet what was established a moment ago.
		var err error
		informer, err = objects.GetInformer(ctx, o.Object, cache.BlockUntilSynced(false))
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    o.tell,
		UpdateFunc: func(_, obj any) { o.tell(obj) },
		DeleteFunc: o.tell,
	})
	if err != nil {
		return err
	}
	go func() {
		if toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			o.mu.Lock()
			is.isSynced = true
			o.mu.Unlock()
			o.tell(nil)
		}
	}()
	return objects.Start(ctx)
}

// leave ends watching objects.
func (o *Optional) leave() {
	o.mu.Lock()
	was := o.present
	o.present = nil
	o.mu.Unlock()
	if was != nil {
		was.stop()
		o.tell(nil)
	}
}

func (o *Optional) tell(obj any) {
	if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	changed, _ := obj.(client.Object)
	o.mu.Lock()
	told := slices.Clone(o.told)
	o.mu.Unlock()
	for _, tell := range told {
		tell(changed)
	}
}
