"use strict";
(function () {
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const rows = Array.from(document.querySelectorAll(".row"));
  const nodes = Array.from(document.querySelectorAll(".graph .node"));
  const lines = Array.from(document.querySelectorAll(".graph .line, .graph .label"));
  const textOf = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  for (const drawn of nodes.concat(lines)) {
    textOf.set(drawn, drawn.textContent.toLowerCase());
  }

  // What the search leaves, and what one party or dependency has to do with.
  function show(isLit) {
    for (const line of lines) {
      const lit = isLit ? isLit(line) : null;
      line.classList.toggle("lit", lit === true);
      line.classList.toggle("dim", lit === false);
    }
    const ends = new Set();
    for (const line of lines) {
      if (line.classList.contains("lit")) {
        ends.add(line.dataset.from).add(line.dataset.to);
      }
    }
    for (const node of nodes) {
      node.classList.toggle("dim", Boolean(isLit) && !ends.has(node.dataset.node) && !isLit(node));
    }
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (element) => words.every((word) => textOf.get(element).includes(word));
    let left = 0;
    for (const row of rows) {
      row.hidden = !matches(row);
      left += row.hidden ? 0 : 1;
    }
    found.textContent = words.length ? left + " of " + rows.length + " rows" : "";
    show(words.length ? matches : null);
  }

  function isAbout(element) {
    const of = element.dataset;
    if (of.edge) {
      return (drawn) => (drawn.dataset.edges ? drawn.dataset.edges.split(" ").includes(of.edge) : false);
    }
    return (drawn) => (drawn.dataset.node ? drawn.dataset.node === of.node : drawn.dataset.from === of.node || drawn.dataset.to === of.node);
  }

  function look(event) {
    const at = event.target.closest && event.target.closest("[data-node], [data-edge]");
    if (at) {
      show(isAbout(at));
    } else {
      filter();
    }
  }

  // Enter on a row goes to its party in the picture, or to who calls.
  function goTo(row) {
    const id = row.dataset.node || row.dataset.from;
    const node = nodes.find((n) => n.dataset.node === id);
    if (node) {
      node.focus();
      node.scrollIntoView({ block: "center", inline: "center" });
    }
  }

  function step(from, by) {
    const left = rows.filter((row) => !row.hidden);
    const next = left[left.indexOf(from) + by];
    if (next) {
      next.focus();
    }
  }

  search.addEventListener("input", filter);
  document.addEventListener("focusin", look);
  document.addEventListener("mouseover", look);
  document.addEventListener("keydown", (event) => {
    const row = document.activeElement.closest(".row");
    if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      search.value = "";
      filter();
    } else if (row && event.key === "Enter") {
      goTo(row);
    } else if (row && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      step(row, event.key === "ArrowDown" ? 1 : -1);
    }
  });
})();
