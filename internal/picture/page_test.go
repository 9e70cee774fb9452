package picture_test

import (
	"fmt"
	"testing"
)

// What a person does with the page, in a browser, with the keys alone.
func TestThePageInABrowser(t *testing.T) {
	t.Parallel()
	b := openPage(t, htmlOf(t, pageOf(t, town(t))))
	b.wear(1280, 900, "light")
	rows := eval[int](b, `document.querySelectorAll(".row").length`)
	visible := func() int { t.Helper(); return eval[int](b, `document.querySelectorAll(".row:not([hidden])").length`) }

	b.press("/")
	if at := eval[string](b, `document.activeElement.id`); at != "search" {
		t.Errorf("/ goes to %q", at)
	}
	for _, key := range "mint" {
		b.press(string(key))
	}
	if got := eval[string](b, `Array.from(document.querySelectorAll("#dependencies .row:not([hidden]) th"), (th) => th.firstChild.data).join()`); got != "stalls-mint" {
		t.Errorf("the search for mint leaves the dependencies %q", got)
	}
	if n := eval[int](b, `document.querySelectorAll("#findings .row:not([hidden])").length`); n != 1 {
		t.Errorf("the search for mint leaves %d findings", n)
	}
	if n := eval[int](b, `document.querySelectorAll(".graph .line.lit").length`); n != 1 {
		t.Errorf("the search for mint leaves %d lines", n)
	}
	if told := eval[string](b, `document.getElementById("found").textContent`); told != fmt.Sprintf("%d of %d rows", visible(), rows) {
		t.Errorf("the search says %q", told)
	}
	b.press("Escape")
	if got := visible(); got != rows || eval[string](b, `document.getElementById("search").value`) != "" {
		t.Errorf("Escape leaves %d of %d rows", got, rows)
	}

	// Every row and every party can be reached, and shows that it is.
	eval[bool](b, `document.querySelector('#dependencies .row').focus(); true`)
	b.press("ArrowDown")
	if at := eval[string](b, `document.activeElement.dataset.edge`); at != "bank/self" {
		t.Errorf("the row below the first dependency is %q", at)
	}
	b.press("ArrowUp")
	if width := eval[string](b, `getComputedStyle(document.activeElement).outlineWidth`); width == "0px" {
		t.Error("the focus does not show on a row")
	}
	b.press("Enter")
	if at := eval[string](b, `document.activeElement.dataset.node`); at != "tier/market/stalls" {
		t.Errorf("Enter on the first dependency goes to %q", at)
	}
	if width := eval[string](b, `getComputedStyle(document.activeElement.querySelector("rect")).strokeWidth`); width != "4px" {
		t.Errorf("the focus does not show on a party: its frame is %s wide", width)
	}
	if n := eval[int](b, `document.querySelectorAll('.graph .line:not(.dim)').length`); n == 0 || n == eval[int](b, `document.querySelectorAll('.graph .line').length`) {
		t.Errorf("a party that is looked at leaves %d lines", n)
	}
	if n := eval[int](b, `document.querySelectorAll('.row:not([tabindex="0"]), .graph .node:not([tabindex="0"])').length`); n != 0 {
		t.Errorf("%d rows or parties cannot be reached by Tab", n)
	}
	b.press("/")
	b.press("Escape")
	if err := b.complaints(); err != nil {
		t.Error(err)
	}
}

// At every width and in both schemes nothing sticks out, and text stands out from what is behind it.
func TestThePageFits(t *testing.T) {
	t.Parallel()
	b := openPage(t, htmlOf(t, pageOf(t, town(t))))
	for _, width := range []int{360, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.wear(width, 900, scheme)
			if got := eval[int](b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("at %d pixels the page is %d wide", width, got)
			}
			if low := eval[string](b, contrasts); low != "" {
				t.Errorf("at %d pixels, %s: too little contrast: %s", width, scheme, low)
			}
			b.wear(width, eval[int](b, `document.documentElement.scrollHeight`), scheme)
			if len(b.screenshot(fmt.Sprintf("town-%d-%s", width, scheme))) == 0 {
				t.Error("there is no picture")
			}
		}
	}
	if err := b.complaints(); err != nil {
		t.Error(err)
	}
}

// contrasts are the texts that WCAG 2.2 finds hard to read (1.4.3: 4.5 to 1).
const contrasts = `(() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const drawn = e.tagName === "g" && e.querySelector("rect");
      const c = parse(drawn ? getComputedStyle(drawn).fill : getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (!Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim()) || ["SCRIPT", "title"].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    const a = light(parse(e.tagName === "text" ? style.fill : style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.add(e.tagName + " " + e.textContent.slice(0, 20) + " " + ratio.toFixed(1));
  }
  return Array.from(low).join("; ");
})()`

// A text that is markup stays text.
func TestThePageOfEvilTexts(t *testing.T) {
	t.Parallel()
	b := openPage(t, htmlOf(t, evilPage()))
	if eval[bool](b, `"hacked" in window || document.images.length > 0 || document.scripts.length !== 1`) {
		t.Error("a text was taken for markup")
	}
	if err := b.complaints(); err != nil {
		t.Error(err)
	}
}

// With two hundred dependencies it is there at once, and names show on the line that is looked at.
func TestTheBigPageInABrowser(t *testing.T) {
	t.Parallel()
	b := openPage(t, htmlOf(t, pageOf(t, big())))
	b.wear(1280, 900, "light")
	if n := eval[int](b, `Array.from(document.querySelectorAll(".graph .label")).filter((l) => getComputedStyle(l).display !== "none").length`); n != 0 {
		t.Errorf("%d labels show although nothing is looked at", n)
	}
	eval[bool](b, `document.querySelector('.graph .node').focus(); true`)
	if n := eval[int](b, `Array.from(document.querySelectorAll(".graph .label")).filter((l) => getComputedStyle(l).display !== "none").length`); n == 0 || n > 20 {
		t.Errorf("%d labels show of a party that is looked at", n)
	}
	b.screenshot("big")
	if err := b.complaints(); err != nil {
		t.Error(err)
	}
}
