// Package picture draws what profiles declare: as text that other programs draw (DOT and Mermaid), as a drawing (SVG and
// PNG) and as a page (HTML). It is pure, and what it writes depends on the graph alone: the same graph is drawn alike.
//
// It lays graphs out by itself. Graphviz would do so, but what there is of it for Go without C takes tens of seconds for
// two hundred labelled edges, and keeps machine code in a directory that other users of a machine may have made.
package picture

import (
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Page is what a page shows.
type Page struct {
	// Graph is what is declared.
	Graph *offline.Graph
	// Matrix is what follows from it, judged by the policies alone.
	Matrix *reach.Matrix
}
