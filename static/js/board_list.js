// The board's list: changed rows, new jobs that announce themselves.
(() => {
  const rowOf = (id) => document.getElementById(`job-row-${id}`);
  let waiting = new Set();
  let created = new Set();
  let asking = false;
  let resting = null;
  let present = []; // of what is asked for, the ids that the page showed; null once the answer is of no use
  let eager = false; // what one has done oneself is not kept waiting

  const pace = new Pace();

  function wake() {
    clearTimeout(resting);
    resting = null;
    pace.rested(waiting.size > 0);
    ask();
  }
  // One request at a time; what changes meanwhile goes into the next one.
  async function ask() {
    if (asking || resting || !waiting.size) return;
    asking = true;
    const isOwn = eager;
    eager = false;
    const begun = performance.now();
    const ids = [...waiting].slice(0, 200);
    const isNew = new Set(ids.filter((id) => created.has(id)));
    ids.forEach((id) => { waiting.delete(id); created.delete(id); });
    const query = new URLSearchParams(location.search);
    query.set("ids", ids.join(","));
    present = ids.filter(rowOf);
    query.set("present", present.join(",")); // only these come back as rows
    try {
      // Not for #board-content: that may be exchanged meanwhile, and what is gone tells nobody of its answer.
      await htmx.ajax("GET", `/board/rows/?${query}`, { target: document.body, swap: "none" });
      if (present) announce(ids, isNew, isOwn);
      else ids.forEach((id) => { waiting.add(id); if (isNew.has(id)) created.add(id); });
    } finally {
      asking = false;
      resting = setTimeout(wake, eager ? 0 : pace.restAfter(performance.now() - begun));
    }
  }

  // The whole board may come anew meanwhile, without rows that were asked for: then it is asked what there is now.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.pathInfo.requestPath.startsWith("/board/rows/") || present.every(rowOf)) return;
    event.detail.shouldSwap = false;
    present = null;
  });

  let shownIds = new Set();
  document.addEventListener("htmx:afterRequest", (event) => {
    const shown = event.detail.xhr?.getResponseHeader("X-Shown-Jobs");
    if (shown !== null && shown !== undefined) shownIds = new Set(shown.split(",").filter(Boolean).map(Number));
  });
  let focused = -1; // which link of what is being replaced has the focus
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    // A row that was on its way while the whole board came anew may be the older one.
    const versionOf = (element) => Number(element?.dataset.version);
    if (versionOf(event.detail.fragment.firstElementChild) < versionOf(event.detail.target)) event.detail.shouldSwap = false;
    focused = [...event.detail.target.querySelectorAll("a")].indexOf(document.activeElement);
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const replaced = document.getElementById(event.detail.target.id);
    if (event.detail.target.dataset.job) replaced?.classList.add("flash");
    replaced?.querySelectorAll("a")[focused]?.focus();
  });

  const unseen = new Set();
  function announce(ids, isNew, isOwn) {
    const onePage = !document.querySelector("table.jobs[data-of-several-pages]");
    for (const id of ids) {
      if (shownIds.has(id) && !rowOf(id) && (isNew.has(id) || onePage)) unseen.add(id);
      if (!shownIds.has(id) || rowOf(id)) unseen.delete(id);
    }
    if (isOwn && ids.some((id) => unseen.has(id))) return showNew(); // what one takes back comes back
    const bar = document.getElementById("new-jobs");
    if (!bar) return;
    bar.hidden = unseen.size === 0;
    bar.querySelector("[data-new-count]").textContent = `${unseen.size} new job${unseen.size > 1 ? "s" : ""}: show`;
  }

  document.body.addEventListener("live-jobs", (event) => {
    event.detail.jobs.forEach((id) => waiting.add(id));
    event.detail.created.forEach((id) => created.add(id));
    eager ||= Boolean(event.detail.elt); // from the answer to a request of this page, not from the socket
    if (eager) wake();
    else ask();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "board-content") unseen.clear();
  });

  const showNew = () => document.body.dispatchEvent(new CustomEvent("live-refresh"));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-show-new]")) showNew();
  });
})();
