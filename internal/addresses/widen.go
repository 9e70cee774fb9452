package addresses

import (
	"container/heap"
	"math/bits"
	"net/netip"
)

// widened makes at most so many of the ranges, by giving up the least: the two neighbours whose common range adds the
// fewest addresses become that range, again and again. If two pairs add as many, it is the one that has more bits in
// common, and then the first. The ranges are of one family and merged, and so is what comes out.
//
// Nothing lies between two neighbours that are chosen. If the common range had a third one, it were in the same half as
// one of the two; these two are neighbours as well, with a common range of half the size, and would add fewer.
func widened(ranges []netip.Prefix, most int) []netip.Prefix {
	if len(ranges) <= most {
		return ranges
	}
	row := newRow(ranges)
	for left := len(ranges); left > most; left-- {
		row.join()
	}
	// Addresses that were added can make a range the other half of its neighbour.
	return merged(row.ranges)
}

// row is ranges in a row. One that became a part of another is the zero Prefix.
type row struct {
	ranges         []netip.Prefix
	before, behind []int
	pairs          pairs
}

func newRow(ranges []netip.Prefix) *row {
	r := &row{ranges: append([]netip.Prefix(nil), ranges...)}
	for i := range ranges {
		r.before = append(r.before, i-1)
		r.behind = append(r.behind, i+1)
	}
	for i := range ranges[1:] {
		r.pairs = append(r.pairs, r.pair(i, i+1))
	}
	heap.Init(&r.pairs)
	return r
}

// join makes one range of the pair that adds the fewest addresses.
func (r *row) join() {
	next := r.pop()
	r.ranges[next.i], r.ranges[next.j] = next.common, netip.Prefix{}
	r.behind[next.i] = r.behind[next.j]
	if j := r.behind[next.i]; j < len(r.ranges) {
		r.before[j] = next.i
		heap.Push(&r.pairs, r.pair(next.i, j))
	}
	if i := r.before[next.i]; i >= 0 {
		heap.Push(&r.pairs, r.pair(i, next.i))
	}
}

// pop takes the pair that adds the fewest addresses. A pair of which one was joined with another is passed over: there is
// a new one for what came of it, which adds fewer.
func (r *row) pop() pair {
	for {
		p := heap.Pop(&r.pairs).(pair)
		if r.ranges[p.i] == p.a && r.ranges[p.j] == p.b {
			return p
		}
	}
}

func (r *row) pair(i, j int) pair {
	a, b := r.ranges[i], r.ranges[j]
	shared := common(a, b)
	return pair{i: i, j: j, a: a, b: b, common: shared, added: size(shared).minus(size(a)).minus(size(b))}
}

// pair is two neighbours, and what it costs to make them one range.
type pair struct {
	i, j         int
	a, b, common netip.Prefix
	added        amount
}

// pairs are a heap with the pair that adds the fewest addresses at the top.
type pairs []pair

// Len is a part of heap.Interface.
func (p *pairs) Len() int { return len(*p) }

// Less is a part of heap.Interface.
func (p *pairs) Less(x, y int) bool {
	a, b := &(*p)[x], &(*p)[y]
	if a.added != b.added {
		return a.added.less(b.added)
	}
	if a.common.Bits() != b.common.Bits() {
		return a.common.Bits() > b.common.Bits()
	}
	return a.i < b.i
}

// Swap is a part of heap.Interface.
func (p *pairs) Swap(x, y int) { (*p)[x], (*p)[y] = (*p)[y], (*p)[x] }

// Push is a part of heap.Interface.
func (p *pairs) Push(x any) { *p = append(*p, x.(pair)) }

// Pop is a part of heap.Interface.
func (p *pairs) Pop() any {
	last := len(*p) - 1
	out := (*p)[last]
	*p = (*p)[:last]
	return out
}

// common is the smallest range that has both. Neither has the other.
func common(a, b netip.Prefix) netip.Prefix {
	x, y := a.Addr().As16(), b.Addr().As16()
	same := a.Addr().BitLen() - 128 // An IPv4 address is the end of those 16 bytes.
	for i := range x {
		if differ := x[i] ^ y[i]; differ != 0 {
			same += bits.LeadingZeros8(differ)
			break
		}
		same += 8
	}
	return netip.PrefixFrom(a.Addr(), same).Masked()
}

// amount is a number of addresses, modulo 2^128: all of IPv6 is 0, and what is left after taking something away is right.
type amount struct{ high, low uint64 }

func size(p netip.Prefix) amount {
	switch host := p.Addr().BitLen() - p.Bits(); {
	case host < 64:
		return amount{low: 1 << host}
	case host < 128:
		return amount{high: 1 << (host - 64)}
	default:
		return amount{}
	}
}

func (a amount) minus(b amount) amount {
	low, borrow := bits.Sub64(a.low, b.low, 0)
	high, _ := bits.Sub64(a.high, b.high, borrow)
	return amount{high: high, low: low}
}

func (a amount) less(b amount) bool {
	return a.high < b.high || (a.high == b.high && a.low < b.low)
}
