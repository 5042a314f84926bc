// A page whose content comes anew when something changes: dashboard, morning review, close-out.
//
// The element with data-live-content is fetched from the page's own address. One request at a time; what changes
// meanwhile goes into the next one. Checked boxes stay checked, and the focus stays where it was.
(() => {
  const pace = new Pace();
  const content = () => document.querySelector("[data-live-content]");
  let wanted = false;
  let asking = false;

  async function ask() {
    // Whoever is filling in a field there must not have it exchanged under their hands.
    if (asking || !wanted || content()?.querySelector("input:not([type=checkbox]):focus, select:focus, textarea:focus")) return;
    wanted = false;
    asking = true;
    const begun = performance.now();
    const checked = [...content().querySelectorAll("input[type=checkbox][id]:checked")].map((box) => box.id);
    const focused = content().contains(document.activeElement) ? document.activeElement.id : "";
    try {
      await htmx.ajax("GET", location.pathname + location.search, { source: content(), target: content(), swap: "outerHTML" });
      for (const id of checked) {
        const box = document.getElementById(id);
        if (box) box.checked = true;
      }
      if (focused) document.getElementById(focused)?.focus();
    } finally {
      setTimeout(wake, pace.restAfter(performance.now() - begun));
    }
  }
  function wake() {
    pace.rested(wanted);
    asking = false;
    ask();
  }
  function want() {
    wanted = true;
    ask();
  }
  for (const event of ["live-jobs", "live-technicians", "live-refresh"]) document.body.addEventListener(event, want);
  document.addEventListener("focusout", () => setTimeout(ask));
})();
