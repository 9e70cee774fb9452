package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// maxPixels is how many pixels a picture has at most: what is larger is drawn smaller.
const maxPixels = 24e6

// PNG draws a graph as pixels, two for each of the drawing's where there is room.
func PNG(g *offline.Graph) (string, error) {
	d := layOut(g)
	scale := min(2, math.Sqrt(maxPixels/(d.width*d.height)))
	c := &canvas{image: image.NewRGBA(image.Rect(0, 0, int(math.Ceil(d.width*scale)), int(math.Ceil(d.height*scale)))), scale: scale}
	draw.Draw(c.image, c.image.Bounds(), image.White, image.Point{}, draw.Src)
	for _, f := range []struct {
		into *font.Face
		ttf  []byte
		size float64
	}{
		{&c.plain, goregular.TTF, fontSize},
		{&c.strong, gobold.TTF, fontSize},
		{&c.small, goregular.TTF, labelSize},
		{&c.smallStrong, gobold.TTF, labelSize},
	} {
		parsed, err := opentype.Parse(f.ttf)
		if err != nil {
			return "", fmt.Errorf("reading a font: %w", err)
		}
		// Go's fonts are wider than those of browsers.
		if *f.into, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: f.size * 0.94 * scale, DPI: 72}); err != nil {
			return "", fmt.Errorf("reading a font: %w", err)
		}
	}
	c.drawing(d)
	var out strings.Builder
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, c.image); err != nil {
		return "", fmt.Errorf("writing the picture: %w", err)
	}
	return out.String(), nil
}

// canvas is a picture that is drawn on.
type canvas struct {
	image                             *image.RGBA
	rasterizer                        vector.Rasterizer
	scale                             float64
	plain, strong, small, smallStrong font.Face
}

// ink and the others are the colours of the drawing's style, in light.
var (
	ink   = color.RGBA{0x11, 0x18, 0x27, 0xff}
	grey  = color.RGBA{0x4b, 0x55, 0x63, 0xff}
	red   = color.RGBA{0xb9, 0x1c, 0x1c, 0xff}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
	fills = map[offline.NodeKind]color.RGBA{
		offline.TierNode: {0xdb, 0xea, 0xfe, 0xff}, offline.AllTiersNode: {0xe0, 0xe7, 0xff, 0xff},
		offline.PeerNode: {0xfe, 0xf3, 0xc7, 0xff}, offline.RemoteNode: {0xf3, 0xe8, 0xff, 0xff},
	}
	frames = map[offline.NodeKind]color.RGBA{
		offline.TierNode: {0x1d, 0x4e, 0xd8, 0xff}, offline.AllTiersNode: {0x43, 0x38, 0xca, 0xff},
		offline.PeerNode: {0xb4, 0x53, 0x09, 0xff}, offline.RemoteNode: {0x7e, 0x22, 0xce, 0xff},
	}
)

func (c *canvas) drawing(d *drawing) {
	for i := range d.lines {
		c.line(&d.lines[i])
	}
	for i := range d.boxes {
		c.box(&d.boxes[i])
	}
	for i := range d.lines {
		if !d.quiet {
			c.label(&d.lines[i])
		}
	}
}

func (c *canvas) box(b *box) {
	c.rect(rect{b.x, b.y, b.w, b.h}, frames[b.node.Kind])
	c.rect(rect{b.x, b.y, b.w - 3, b.h - 3}, fills[b.node.Kind])
	y := b.y - b.h/2 + padding + fontSize
	c.text(c.strong, b.title, b.x, y, ink)
	for i, t := range b.text {
		c.text(c.plain, t, b.x, y+float64(i+1)*lineHeight, ink)
	}
}

func (c *canvas) label(l *line) {
	c.rect(l.label, white)
	for i, t := range l.text {
		face := c.small
		if t.strong {
			face = c.smallStrong
		}
		of := ink
		if l.closed {
			of = red
		}
		c.text(face, t.text, l.label.x, l.label.y-l.label.h/2+float64(i+1)*labelHeight-1, of)
	}
}

func (c *canvas) line(l *line) {
	of, dash := grey, 0.0
	switch {
	case l.closed:
		of, dash = red, 7
	case l.apiOnly():
		dash = 3
	}
	path := flatten(l.points, dash > 0)
	along := 0.0
	for i := 1; i < len(path); i++ {
		a, b := path[i-1], path[i]
		if dash == 0 || math.Mod(along, 2*dash) < dash {
			c.stroke(a, b, of)
		}
		along += math.Hypot(b.x-a.x, b.y-a.y)
	}
	end, before := path[len(path)-1], path[len(path)-2]
	way := 1.0
	if before.x > end.x {
		way = -1
	}
	c.fill(of, end, point{end.x - 9*way, end.y - 4.5}, point{end.x - 9*way, end.y + 4.5})
}

// flatten are the points of a line's curves, close together.
func flatten(points []point, isDashed bool) []point {
	out := []point{points[0]}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		steps := max(1, int(math.Hypot(b.x-a.x, b.y-a.y)/3))
		if !isDashed && math.Abs(b.y-a.y) < 0.5 {
			steps = 1 // It is straight.
		}
		for s := 1; s <= steps; s++ {
			t := float64(s) / float64(steps)
			// A cubic curve whose handles are halfway, level with its ends.
			x := a.x + (b.x-a.x)*(1.5*t*(1-t)*(1-t)+1.5*t*t*(1-t)+t*t*t)
			out = append(out, point{x, a.y + (b.y-a.y)*(3*t*t*(1-t)+t*t*t)})
		}
	}
	return out
}

// stroke draws a piece of a line.
func (c *canvas) stroke(a, b point, of color.RGBA) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	x, y := (b.x-a.x)/length*0.7, (b.y-a.y)/length*0.7
	c.fill(of, point{a.x - y - x, a.y + x - y}, point{b.x - y + x, b.y + x + y},
		point{b.x + y + x, b.y - x + y}, point{a.x + y - x, a.y - x - y})
}

func (c *canvas) rect(r rect, of color.RGBA) {
	c.fill(of, point{r.x - r.w/2, r.y - r.h/2}, point{r.x + r.w/2, r.y - r.h/2},
		point{r.x + r.w/2, r.y + r.h/2}, point{r.x - r.w/2, r.y + r.h/2})
}

// fill fills a polygon. Its own bounds are all that is looked at: most are small.
func (c *canvas) fill(of color.RGBA, points ...point) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		left, top = min(left, p.x*c.scale), min(top, p.y*c.scale)
		right, bottom = max(right, p.x*c.scale), max(bottom, p.y*c.scale)
	}
	bounds := image.Rect(int(math.Floor(left)), int(math.Floor(top)), int(math.Ceil(right))+1, int(math.Ceil(bottom))+1)
	r := &c.rasterizer
	r.Reset(bounds.Dx(), bounds.Dy())
	at := func(p point) (x, y float32) {
		return float32(p.x*c.scale - float64(bounds.Min.X)), float32(p.y*c.scale - float64(bounds.Min.Y))
	}
	r.MoveTo(at(points[0]))
	for _, p := range points[1:] {
		r.LineTo(at(p))
	}
	r.ClosePath()
	r.Draw(c.image, bounds, image.NewUniform(of), image.Point{})
}

// text writes a line with its middle at a place.
func (c *canvas) text(face font.Face, text string, x, y float64, of color.RGBA) {
	d := font.Drawer{Dst: c.image, Src: image.NewUniform(of), Face: face}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(x*c.scale*64) - d.MeasureString(text)/2, Y: fixed.Int26_6(y * c.scale * 64)}
	d.DrawString(text)
}
