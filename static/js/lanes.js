// The lanes: changed lanes come as out-of-band swaps, the line of now moves on.
(() => {
  const lanes = () => document.getElementById("lanes");
  const laneOf = (id) => document.querySelector(`.lane [data-job="${id}"]`)?.closest("[data-lane]")?.dataset.lane;

  // Fetching ---------------------------------------------------------------------------------------

  const pace = new Pace();
  let jobs = new Set();
  let changed = new Set(); // technicians
  let everything = false;
  let tray = false; // the tray alone, another tab of it
  let asking = false;
  let resting = null;
  let eager = false; // what one has done oneself is not kept waiting
  let held = false; // nothing is swapped under a job that is being dragged

  function wake() {
    clearTimeout(resting);
    resting = null;
    pace.rested(isWaiting());
    ask();
  }
  const isWaiting = () => everything || tray || jobs.size + changed.size > 0;
  // One request at a time, so that an older answer never overtakes a newer one.
  async function ask() {
    if (asking || resting || held || !isWaiting()) return;
    asking = true;
    eager = false;
    const begun = performance.now();
    const all = everything || jobs.size > 200;
    const ids = [...jobs];
    for (const id of ids) if (laneOf(id)) changed.add(laneOf(id));
    const technicians = [...changed];
    everything = tray = false;
    jobs = new Set();
    changed = new Set();
    try {
      if (all) await htmx.ajax("GET", location.pathname + location.search, { target: "#board-content", swap: "outerHTML" });
      else {
        const query = new URLSearchParams(location.search);
        query.set("jobs", ids.join(","));
        query.set("lanes", technicians.join(","));
        query.set("axis", lanes().dataset.axis);
        await htmx.ajax("GET", `/board/lanes/?${query}`, { target: "#board-content", swap: "none" });
        for (const id of ids) flash(id);
      }
      restore();
      document.body.dispatchEvent(new CustomEvent("lanes-swapped"));
    } finally {
      placeNow();
      asking = false;
      resting = setTimeout(wake, eager ? 0 : pace.restAfter(performance.now() - begun));
    }
  }
  function flash(id) {
    for (const shown of document.querySelectorAll(`.board-content [data-job="${id}"]`)) shown.classList.add("flash");
  }

  document.body.addEventListener("live-jobs", (event) => {
    event.detail.jobs.forEach((id) => jobs.add(id));
    eager ||= Boolean(event.detail.elt); // from the answer to a request of this page, not from the socket
    if (eager) wake();
    else ask();
  });
  document.body.addEventListener("live-technicians", (event) => { event.detail.technicians.forEach((id) => changed.add(String(id))); ask(); });
  document.body.addEventListener("live-refresh", () => { everything = true; ask(); });
  document.body.addEventListener("lanes-outgrown", () => { everything = true; }); // a job lies outside the hours shown
  document.body.addEventListener("drag-begun", () => { held = true; });
  document.body.addEventListener("drag-ended", () => { held = false; ask(); });

  // A lane that the page does not have belongs somewhere among the others: the whole board comes instead. One that is to
  // go and was never here is no error.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event;
    if (!detail.pathInfo?.requestPath.startsWith("/board/lanes/")) return;
    const ids = [...(detail.serverResponse ?? "").matchAll(/ id="(lane-\d+)"/g)].map((match) => match[1]);
    if (ids.every((id) => document.getElementById(id))) return;
    const answer = new DOMParser().parseFromString(detail.serverResponse, "text/html");
    const unknown = [...answer.querySelectorAll("section[id^='lane-']")].filter((lane) => !document.getElementById(lane.id));
    if (unknown.some((lane) => lane.getAttribute("hx-swap-oob") !== "delete")) {
      everything = true;
      detail.shouldSwap = false;
      return;
    }
    unknown.forEach((lane) => lane.remove());
    detail.serverResponse = answer.body.innerHTML;
  });

  // Lanes out of sight are empty until they come near.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      changed.add(target.dataset.lane);
    }
    ask();
  }, { root: null, rootMargin: "600px 0px" });
  const watchWaiting = () => document.querySelectorAll(".lane.is-waiting").forEach((waiting) => near.observe(waiting));
  document.body.addEventListener("lanes-swapped", watchWaiting);
  watchWaiting();

  // What a swap replaces keeps its focus and its place, also where a job goes from one lane to another.
  let focused = null;
  let waiting = null; // what gets the focus when the dialog closes: what had it before has been replaced meanwhile
  let last = null;
  let scrolled = null;
  let trayTop = 0;
  const dialog = document.getElementById("dialog");
  document.addEventListener("focusin", ({ target }) => { if (!dialog.contains(target)) last = target; });
  document.addEventListener("pointerdown", ({ target }) => { if (!dialog.contains(target)) last = null; });
  dialog.addEventListener("close", () => {
    if (waiting && document.activeElement === document.body) focusAgain(waiting);
    waiting = null;
  });
  const linksOf = (place) => [...place.querySelectorAll(".job-link")];
  function remember(target) {
    const active = [document.activeElement, last].find((element) => element && target.contains(element));
    if (active) {
      const place = active.closest(".tray, .lane");
      const index = place ? linksOf(place).indexOf(active) : -1;
      focused = { job: active.closest("[data-job]")?.dataset.job, tab: active.dataset.trayTab, place: place?.id, index };
    }
    if (target.contains(lanes())) scrolled = { left: lanes().scrollLeft, top: lanes().scrollTop };
    trayTop = target.querySelector(".tray-cards")?.scrollTop ?? trayTop;
  }
  // A job that has left the board gives its focus to the one that came into its place.
  function nextTo({ place, index }) {
    const links = index >= 0 ? linksOf(document.getElementById(place) ?? lanes()) : [];
    return links[Math.min(index, links.length - 1)] ?? lanes();
  }
  function focusAgain({ job, tab, ...place }) {
    const again = job ? `.board-content [data-job="${job}"] .job-link` : `[data-tray-tab="${tab}"]`;
    (document.querySelector(again) ?? nextTo(place))?.focus({ preventScroll: true });
  }
  function restore() {
    if (scrolled) lanes()?.scrollTo({ ...scrolled, behavior: "instant" });
    document.querySelector(".tray-cards")?.scrollTo({ top: trayTop, behavior: "instant" });
    if (focused && document.activeElement === document.body) focusAgain(focused);
    else if (focused && dialog.open) waiting = focused;
    focused = scrolled = null;
    trayTop = 0;
  }
  document.addEventListener("htmx:oobBeforeSwap", (event) => remember(event.detail.target));
  document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target?.id === "board-content") remember(event.detail.target); });

  // Now --------------------------------------------------------------------------------------------

  // By the server's clock: the page knows how far the browser's is off.
  const begunAt = performance.now();
  const serverBegin = Date.parse(lanes()?.dataset.now);
  const offsetOfZone = lanes()?.dataset.now.match(/([+-])(\d\d):(\d\d)$/);
  const zoneMinutes = offsetOfZone ? Number(`${offsetOfZone[1]}1`) * (Number(offsetOfZone[2]) * 60 + Number(offsetOfZone[3])) : 0;

  function placeNow() {
    const board = lanes();
    if (!board) return;
    const instant = serverBegin + performance.now() - begunAt;
    const local = new Date(instant + zoneMinutes * 60000);
    const [first, last] = board.dataset.axis.split("-").map(Number);
    const days = Math.round((Date.parse(local.toISOString().slice(0, 10)) - Date.parse(board.dataset.day)) / 86400000);
    const minutes = days * 1440 + local.getUTCHours() * 60 + local.getUTCMinutes() + local.getUTCSeconds() / 60;
    const at = ((minutes - first * 60) / ((last - first) * 60)) * 100;
    board.style.setProperty("--past", Math.max(0, Math.min(100, at)));
    const clock = board.querySelector("[data-now-clock]");
    if (!clock) return;
    clock.hidden = at < 0 || at > 100;
    board.toggleAttribute("data-shows-now", !clock.hidden);
    board.style.setProperty("--now", at);
    clock.textContent = local.toISOString().slice(11, 16);
  }
  setInterval(placeNow, 15000);

  // Zoomed in, the board begins at now.
  function showNow() {
    const board = lanes();
    const clock = board?.querySelector("[data-now-clock]");
    if (!clock || board.scrollWidth <= board.clientWidth + 4) return;
    board.scrollLeft = Math.max(0, clock.offsetLeft - board.clientWidth / 2);
  }
  placeNow();
  showNow();

  // How old the positions are, as time goes by and when a technician moves.
  const STALE_SECONDS = 15 * 60;
  function showAges() {
    const instant = serverBegin + performance.now() - begunAt;
    for (const age of document.querySelectorAll("[data-seen-at]")) {
      const seconds = Math.max(0, (instant - Date.parse(age.dataset.seenAt)) / 1000);
      const [size, unit] = seconds >= 172800 ? [86400, "days"] : seconds >= 3600 ? [3600, "h"] : [60, "min"];
      age.textContent = seconds < 60 ? "just now" : `${Math.floor(seconds / size)} ${unit}`;
      age.classList.toggle("stale", seconds > STALE_SECONDS);
    }
  }
  setInterval(showAges, 20000);
  const moved = new Map(); // technician -> when; many at once are drawn in one frame
  function showMoved() {
    for (const [technician, at] of moved) {
      const shown = document.getElementById(`lane-${technician}`);
      const age = shown?.querySelector("[data-seen-at]");
      shown?.querySelector("[data-silent]")?.remove();
      if (age) age.dataset.seenAt = at;
      else if (!shown?.classList.contains("is-waiting")) changed.add(String(technician)); // the first position of a technician
    }
    moved.clear();
    showAges();
    ask();
  }
  document.body.addEventListener("technician-moved", ({ detail }) => {
    if (!moved.size) requestAnimationFrame(showMoved);
    moved.set(detail.technician, detail.recorded_at);
  });

  // The tray's tabs change the tray and the address, not the page.
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tray-tab]");
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(history.state, "", tab.href);
    for (const other of document.querySelectorAll("[data-tray-tab]")) other.toggleAttribute("aria-current", false);
    tab.setAttribute("aria-current", "true");
    document.querySelector(".tray-cards").scrollTop = 0;
    tray = true;
    wake();
  });
})();
