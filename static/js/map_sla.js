// How much of an SLA target a job has used, for the map coloured by it. Between the marks that the server knows, the
// start, 75 % and the deadline, time is taken to count evenly: at night some of it may not.
window.MapSla = (() => {
  const AT_RISK = 75; // percent; AT_RISK_SHARE in sla/clock.py
  const SIGNS = { breached: "▲", paused: "‖", none: "–" };

  function shareOf({ start, risk, due }, instant) {
    if (instant > due) return 100;
    const share = instant < risk ? (AT_RISK * (instant - start)) / (risk - start) : AT_RISK + ((100 - AT_RISK) * (instant - risk)) / (due - risk);
    return Math.max(0, Math.min(99, Math.floor(share)));
  }
  // kind, start, 75 %, deadline: seconds; a kind alone is paused
  function read(row) {
    if (!row) return null;
    const [kind, start, risk, due] = row;
    return { kind, isPaused: due === undefined, start: start * 1000, risk: risk * 1000, due: due * 1000 };
  }
  // Of a job: the word for the stylesheet, what stands in its pin and in its row, and what is said.
  function tell({ sla }, instant = SlaClock.now()) {
    if (!sla) return { state: "none", sign: SIGNS.none, brief: "", said: "" };
    if (sla.isPaused) return { state: "paused", sign: SIGNS.paused, brief: "paused", said: `${sla.kind} paused` };
    const state = SlaClock.stateAt(instant, sla.due, sla.risk);
    const share = shareOf(sla, instant);
    const brief = SlaClock.textAt(instant, sla.due);
    if (state === "breached") return { state, sign: SIGNS.breached, brief, said: `${sla.kind} missed, ${brief}` };
    const word = state === "running" && share >= 50 ? "half" : state;
    return { state: word, sign: String(share), brief, said: `${sla.kind} due in ${brief}, ${share} % used` };
  }

  // Pins and rows coloured by it, once a colouring is chosen; the address remembers which.
  const holder = () => document.querySelector(".map-view");
  const isShown = () => holder()?.dataset.colour === "sla";
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-map-colour]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(history.state, "", link.href);
    for (const other of document.querySelectorAll("[data-map-colour]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    holder().dataset.colour = link.dataset.mapColour;
    document.body.dispatchEvent(new CustomEvent("map-coloured"));
  });
  return { read, tell, isShown };
})();
