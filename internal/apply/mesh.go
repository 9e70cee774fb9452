package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// MeshChanges is what has to be done to a namespace's policies of a mesh.
type MeshChanges struct {
	// Steps are the writes, in order. None is needless.
	Steps []mesh.Step
	// Taken are the names, with their kinds, that somebody else's objects have, or that are kept by finalizers while they
	// are being deleted.
	Taken []string
}

// MeshPlace is what has to be known of a namespace beside its objects.
type MeshPlace struct {
	// Owner is the UID of the profile that the namespace belongs to; empty if it belongs to none.
	Owner types.UID
	// Revision is that of the control plane of its workloads.
	Revision string
	// IsGuarded is set if policies outside of the namespace deny its workloads what no policy allows, or if nothing must be
	// opened as a whole for another reason.
	IsGuarded bool
}

// DiffMesh compares what a namespace should have with what the cache shows. As long as the base policy cannot be written,
// nothing else is: a workload with a policy of its own would be denied all that the base policy allows.
func DiffMesh(desired, observed mesh.Objects, place MeshPlace) MeshChanges {
	var own mesh.Objects
	var out MeshChanges
	isGuarded := place.IsGuarded
	for _, p := range observed.Policies {
		if isOwnAndStays(p, place.Owner) {
			own.Policies = append(own.Policies, p)
			continue
		}
		isGuarded = isGuarded || p.Guards(place.Revision)
		desired.Policies = free(&out, desired.Policies, mesh.KindAuthorizationPolicy, p.Name)
	}
	for _, a := range observed.Authentications {
		if isOwnAndStays(a, place.Owner) {
			own.Authentications = append(own.Authentications, a)
			continue
		}
		desired.Authentications = free(&out, desired.Authentications, mesh.KindPeerAuthentication, a.Name)
	}
	if slices.Contains(out.Taken, mesh.KindAuthorizationPolicy+" "+render.Prefix) {
		return out
	}
	isNeeded := func(s mesh.Step) bool { return s.Desired == nil || s.Current == nil || !matches(s.Desired, s.Current) }
	for _, step := range mesh.Steps(own, desired, isGuarded) {
		if isNeeded(step) {
			out.Steps = append(out.Steps, step)
		}
	}
	return out
}

// isOwnAndStays tells whether an object is the operator's, and is not about to be gone.
func isOwnAndStays(obj client.Object, owner types.UID) bool {
	return IsOurs(obj, owner) && obj.GetDeletionTimestamp() == nil
}

// free leaves out what would have a name that is taken.
func free[T metav1.Object](changes *MeshChanges, desired []T, kind, name string) []T {
	return slices.DeleteFunc(slices.Clone(desired), func(one T) bool {
		isTaken := one.GetName() == name
		if isTaken {
			changes.Taken = append(changes.Taken, kind+" "+name)
		}
		return isTaken
	})
}

// WriteMesh makes writes in order, up to the first that fails, and tells of each that was made: of the object as it is now;
// nil if it is gone. What was decided on must still be so: who has changed an object since has it looked at anew.
func WriteMesh(ctx context.Context, to client.Writer, steps []mesh.Step, wrote func(kind, name string, now client.Object)) error {
	written := map[string]client.Object{}
	for _, step := range steps {
		object := step.Desired
		if object == nil {
			object = step.Current
		}
		kind := mesh.KindOf(object)
		known := written[kind+"/"+object.GetName()]
		if known == nil && step.Current != nil {
			known = step.Current
		}
		now, err := writeStep(ctx, to, step.Desired, known)
		if err != nil {
			return fmt.Errorf("writing %s %s: %w", kind, object.GetName(), err)
		}
		written[kind+"/"+object.GetName()] = now
		wrote(kind, object.GetName(), now)
	}
	return nil
}

// writeStep makes one write, and returns the object as it is then; nil if it is gone.
func writeStep(ctx context.Context, to client.Writer, desired mesh.Object, known client.Object) (client.Object, error) {
	switch {
	case desired == nil:
		uid, version := known.GetUID(), known.GetResourceVersion()
		err := to.Delete(ctx, mesh.Bare(known), client.Preconditions{UID: &uid, ResourceVersion: &version})
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return nil, err
	case known == nil:
		object := copyOf(desired)
		return object, asDesired(desired, object, to.Create(ctx, object, fieldOwner))
	default:
		object := replacement(desired, known)
		mesh.Unmark(object)
		return object, asDesired(desired, object, to.Update(ctx, object, fieldOwner))
	}
}

// asDesired tells whether an object was written as it should be.
func asDesired(desired, now client.Object, err error) error {
	if err == nil && !matches(desired, now) {
		return errAltered
	}
	return err
}
