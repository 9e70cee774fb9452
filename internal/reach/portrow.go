package reach

import (
	"iter"
	"slices"
)

// portRow has a set of ports for each column. Where most of them are empty, as in a row of a
// namespace that reaches few of many, it keeps the others alone.
type portRow struct {
	dense []setID
	// columns are those whose sets are not empty, in order, and sets are theirs.
	columns []int32
	sets    []setID
}

// sparsity is how many columns there are for each that is not empty, at least, where a row
// keeps those alone.
const sparsity = 8

func newPortRow(all []setID) portRow {
	out := portRow{}
	for column, id := range all {
		if id != nothing {
			out.columns = append(out.columns, int32(column))
			out.sets = append(out.sets, id)
		}
	}
	if len(out.columns)*sparsity > len(all) {
		return portRow{dense: all}
	}
	return out
}

func (r *portRow) at(column int) setID {
	if r.dense != nil {
		return r.dense[column]
	}
	if i, found := slices.BinarySearch(r.columns, int32(column)); found {
		return r.sets[i]
	}
	return nothing
}

// opened are the columns whose sets are not empty, with them.
func (r *portRow) opened() iter.Seq2[int, setID] {
	return func(yield func(int, setID) bool) {
		for column, id := range r.dense {
			if id != nothing && !yield(column, id) {
				return
			}
		}
		for i, column := range r.columns {
			if !yield(int(column), r.sets[i]) {
				return
			}
		}
	}
}
