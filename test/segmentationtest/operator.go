package segmentationtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/operator"
)

// runOperator runs the operator as its service account, and waits until it works.
func (e *Env) runOperator(ctx context.Context) error {
	config, err := e.asOperator(ctx)
	if err != nil {
		return fmt.Errorf("connecting as the operator's service account: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	mgr, err := operator.New(running, config, e.operatorOptions())
	if err != nil {
		cancel()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(running) }()
	e.stop = append(e.stop, func() error {
		cancel()
		return <-ended
	})
	select {
	case <-mgr.Elected():
	case err := <-ended:
		ended <- nil
		return fmt.Errorf("the operator ended: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		return errors.New("the operator's cache was not filled in time")
	}
	return nil
}

func (e *Env) operatorOptions() *operator.Options {
	const concurrency = 8
	protected := append(claim.ParseProtected(claim.DefaultProtected), Namespace)
	return &operator.Options{
		Namespace: Namespace, Protected: append(protected, e.settings.protected...),
		GrantAs: "system:serviceaccount:" + Namespace + ":" + operator.Granter,
		// There are no pods of an engine in a cluster without nodes.
		Engine:    engine.Found{Name: engine.Calico, Why: "taken for granted in tests"},
		WatchPods: true, Resync: time.Hour, Concurrency: concurrency, ShutdownDeadline: e.settings.timeout,
		IstioRoot:      mesh.DefaultRoot,
		MetricsAddress: "0", ProbeAddress: "0", PprofAddress: "0",
		Logger: e.settings.logger, IsOneOfSeveral: true,
	}
}

// asOperator connects as the operator's service account: by a token of its own, as a pod has it.
func (e *Env) asOperator(ctx context.Context) (*rest.Config, error) {
	clients, err := kubernetes.NewForConfig(e.Config)
	if err != nil {
		return nil, err
	}
	const lifetime = 24 * 60 * 60
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(lifetime))}}
	token, err := clients.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, ServiceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	out := rest.AnonymousClientConfig(e.Config)
	out.BearerToken = token.Status.Token
	return out, nil
}
