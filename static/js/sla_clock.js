// Chips that count down to an SLA deadline: whatever has data-due-at and holds a [data-sla-time]. One timer for all.
//
// By the server's clock: the page knows how far the browser's is off, and every answer's Date corrects it, so that a PC
// whose clock is wrong or changed and a page that was kept by the browser do not lie. Screen readers hear the deadline,
// not each minute of the way there: nothing here is a live region.
window.SlaClock = (() => {
  const MINUTE = 60e3;
  const IMPRECISE_MS = 2000; // Date has whole seconds and comes a moment late
  const SAID = { running: "", "at-risk": ", at risk", breached: ", missed" };
  let offset = Date.parse(document.body.dataset.serverNow) - Date.now() || 0;

  const now = () => Date.now() + offset;
  // Boundaries as in dispatch/board/countdown.py: a deadline is missed strictly after it.
  const stateAt = (instant, dueAt, atRiskAt) => (instant > dueAt ? "breached" : instant >= atRiskAt ? "at-risk" : "running");
  function length(ms) {
    const minutes = Math.floor(Math.abs(ms) / MINUTE);
    if (minutes < 1) return "<1 min";
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${Math.floor(hours / 24)} days`;
  }
  const textAt = (instant, dueAt) => `${length(dueAt - instant)}${instant > dueAt ? " over" : ""}`;

  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  function tell(chip, instant) {
    const dueAt = Date.parse(chip.dataset.dueAt);
    const state = stateAt(instant, dueAt, Date.parse(chip.dataset.atRiskAt));
    if (chip.dataset.state !== state) chip.dataset.state = state;
    write(chip.querySelector("[data-sla-time]"), textAt(instant, dueAt));
    write(chip.querySelector("[data-sla-said]"), SAID[state]);
  }
  function tick() {
    if (document.hidden) return;
    const instant = now();
    for (const chip of document.querySelectorAll("[data-due-at]")) tell(chip, instant);
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const said = Date.parse(event.detail.xhr?.getResponseHeader("Date"));
    if (Math.abs(said - now()) > IMPRECISE_MS) offset = said - Date.now();
  });
  for (const event of ["htmx:afterSwap", "htmx:oobAfterSwap"]) document.addEventListener(event, tick);
  document.addEventListener("visibilitychange", tick);
  setInterval(tick, 1000);
  tick();
  return { now, stateAt, textAt };
})();
