// Package builders makes the objects that tests need, by chains that read like what they
// describe:
//
//	builders.MakeProfile("shop").
//		Tier(builders.MakeTier("web").Selector(map[string]string{"layer": "web"}).Obj()).
//		Tier(builders.MakeTier("api").Names("shop-api").Obj()).
//		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(9090).Obj()).
//		Obj()
//
// Make begins a chain and Obj ends it. Kubernetes objects come out as pointers, the parts of
// a profile as values, as their lists hold them. A builder adds nothing that was not asked
// for: ProfileBuilder.Defaulted adds what the API server would.
//
// A map[string]string that is nil or empty stands for the empty selector, which chooses
// everything.
package builders
