// The calendar keeps itself up to date: of a week the rows that changed, of a month everything.
(() => {
  const pace = new Pace();
  const MANY = 200; // changed jobs: then everything is asked for
  const content = () => document.getElementById("calendar-content");
  const chips = (id) => document.querySelectorAll(`#calendar-content [data-job="${id}"]`);
  let waiting = new Set();
  let everything = false;
  let asking = false;
  let resting = null;
  let eager = false; // what one has done oneself is not kept waiting

  function wake() {
    clearTimeout(resting);
    resting = null;
    pace.rested(everything || waiting.size > 0);
    ask();
  }
  // One request at a time, whether rows or all of it: so an older answer never overwrites a newer one.
  async function ask() {
    if (asking || resting || !(everything || waiting.size) || document.querySelector(".is-dragging")) return;
    asking = true;
    eager = false;
    const begun = performance.now();
    const ids = [...waiting];
    const rows = everything || ids.length > MANY ? "" : content().dataset.rowsUrl;
    waiting = new Set();
    everything = false;
    try {
      if (rows) await askForRows(rows, ids);
      else await htmx.ajax("GET", location.pathname + location.search, { target: "#calendar-content", swap: "outerHTML" });
    } finally {
      asking = false;
      resting = setTimeout(wake, eager ? 0 : pace.restAfter(performance.now() - begun));
    }
  }

  async function askForRows(url, ids) {
    const present = new Set(ids.flatMap((id) => [...chips(id)].map((chip) => chip.closest("[data-row]").dataset.row)));
    const query = new URLSearchParams(location.search);
    query.set("ids", ids.join(","));
    query.set("present", [...present].join(","));
    if (await needsNewRow(url, query)) everything = true;
    for (const id of ids) chips(id).forEach((chip) => chip.classList.add("flash"));
  }
  // The row of the technicians outside the filters comes and goes: then the whole grid is asked for.
  async function needsNewRow(url, query) {
    let missing = false;
    const note = () => { missing = true; };
    document.body.addEventListener("htmx:oobErrorNoTarget", note);
    await htmx.ajax("GET", `${url}?${query}`, { target: "#calendar-content", swap: "none" });
    document.body.removeEventListener("htmx:oobErrorNoTarget", note);
    return missing;
  }

  document.body.addEventListener("live-jobs", (event) => {
    event.detail.jobs.forEach((id) => waiting.add(id));
    eager ||= Boolean(event.detail.elt); // from the answer to a request of this page, not from the socket
    if (eager) wake();
    else ask();
  });
  document.body.addEventListener("live-refresh", () => {
    everything = true;
    ask();
  });

  document.body.addEventListener("drag-ended", ask); // until then nothing moves under the pointer

  // A narrow screen begins with today, beside the names.
  const box = document.querySelector("[data-calendar-scroll]");
  const today = box?.querySelector("[aria-current=date]");
  if (today) box.scrollLeft = today.offsetLeft - today.parentElement.firstElementChild.offsetWidth;
  if (matchMedia("(max-width: 700px)").matches) document.querySelector(".month-day.is-today:not(.is-outside)")?.scrollIntoView({ block: "center" });

  // What is replaced gives its focus to the same job's link, and the rows in sight stay where they are.
  let focused = null;
  let place = null;
  const scroller = () => content()?.querySelector("[data-calendar-scroll]");
  const topOf = (element) => element.getBoundingClientRect().top;

  function remember(replaced) {
    const active = document.activeElement;
    focused = replaced.contains(active) ? { job: active.closest("[data-job]")?.dataset.job, href: active.getAttribute("href") } : null;
    const box = scroller();
    if (!box || place) return;
    const rows = [...box.querySelectorAll("[data-row]")];
    const row = active.closest("[data-row]") ?? rows.find((one) => topOf(one) >= topOf(box)) ?? rows.at(-1);
    place = { left: box.scrollLeft, top: box.scrollTop, row: row?.id, offset: row && topOf(row) };
  }
  function restore() {
    refocus();
    if (!place) return;
    keepPlace(place);
    // Rows just put in have an estimated height until they are drawn.
    requestAnimationFrame(((kept) => () => requestAnimationFrame(() => keepPlace(kept)))(place));
    place = null;
  }
  function keepPlace({ left, top, row, offset }) {
    const box = scroller();
    const kept = document.getElementById(row ?? "");
    if (!box) return;
    box.scrollLeft = left;
    if (top > 0 && kept) box.scrollTop += topOf(kept) - offset;
  }
  function refocus() {
    if (!focused) return;
    const links = [...content().querySelectorAll("a")];
    const link = (focused.job && chips(focused.job)[0]?.querySelector(".job-link")) || links.find((a) => focused.href && a.getAttribute("href") === focused.href);
    (link ?? scroller())?.focus({ preventScroll: true });
    focused = null;
  }
  document.addEventListener("htmx:oobBeforeSwap", (event) => remember(event.detail.target));
  document.addEventListener("htmx:oobAfterSwap", restore);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === content() && event.detail.shouldSwap) remember(content());
  });
  document.addEventListener("htmx:afterSwap", restore);
})();
