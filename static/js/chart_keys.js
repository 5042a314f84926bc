// A chart is one stop for the Tab key; the arrows go from mark to mark. Without this every mark is a stop of its own.
(() => {
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const marksOf = (chart) => [...chart.querySelectorAll("[data-mark]")];

  function makeStop(chart, stop) {
    for (const mark of marksOf(chart)) mark.setAttribute("tabindex", mark === stop ? "0" : "-1");
  }
  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  // The nearest one that lies that way; what is off to the side counts as four times as far.
  function next(marks, from, [right, down]) {
    const [x, y] = middle(from);
    let best = null;
    let least = Infinity;
    for (const mark of marks) {
      const [otherX, otherY] = middle(mark);
      const ahead = (otherX - x) * right + (otherY - y) * down;
      const aside = Math.abs((otherX - x) * down) + Math.abs((otherY - y) * right);
      const far = ahead + (right && from.ownerSVGElement ? 0 : 4 * aside); // along a line only the order matters
      if (ahead > 1 && far < least) [best, least] = [mark, far];
    }
    return best;
  }

  for (const chart of document.querySelectorAll("[data-chart]")) {
    makeStop(chart, marksOf(chart)[0]);
    chart.addEventListener("focusin", (event) => {
      const mark = event.target.closest("[data-mark]");
      if (mark) makeStop(chart, mark);
    });
    chart.addEventListener("keydown", (event) => {
      const mark = event.target.closest("[data-mark]");
      if (!mark || !ARROWS[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // arrows turn pages elsewhere
      next(marksOf(chart), mark, ARROWS[event.key])?.focus();
    });
  }
})();
