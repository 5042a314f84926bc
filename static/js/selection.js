// Several jobs at once, in any view of the board: whatever shows a job has data-job.
//
// Ctrl-click toggles, Shift-click takes all up to it, x toggles the focused one, Ctrl+A takes the list's page, Escape
// lets go. The event `select-jobs` on the body (detail.jobs: ids) selects exactly those.
(() => {
  const bar = document.getElementById("bulk-bar");
  if (!bar) return;
  const selected = new Set(); // ids as text
  const seen = new Set(); // those of them that this page has shown: when such a one leaves, it is let go
  let anchor = null; // from here a range goes

  const shownJobs = () => [...document.querySelectorAll("main [data-job]")];
  const idOf = (element) => element.dataset.job;
  const ROLES = ["row", "option", "gridcell", "tab"]; // those for which aria-selected has a meaning

  function mark(element) {
    const isSelected = selected.has(idOf(element));
    element.classList.toggle("is-selected", isSelected);
    const takesIt = element.matches("tr") || ROLES.includes(element.getAttribute("role"));
    const [name, value] = takesIt ? ["aria-selected", "true"] : ["aria-description", "Selected"];
    const said = takesIt ? element : (element.querySelector(".job-link") ?? element);
    if (isSelected) said.setAttribute(name, value);
    else if (said.getAttribute(name) === value) said.removeAttribute(name);
    const box = element.querySelector("[data-select-job]");
    if (box) box.checked = isSelected;
  }

  function show() {
    const jobs = shownJobs();
    const here = new Set(jobs.map(idOf));
    for (const id of selected) {
      if (here.has(id)) seen.add(id);
      else if (seen.has(id)) selected.delete(id); // nobody changes what they no longer see
    }
    jobs.forEach(mark);
    const all = document.querySelector("[data-select-page]");
    const rows = all ? pageIds() : [];
    const chosen = rows.filter((id) => selected.has(id)).length;
    if (all) {
      all.checked = chosen > 0 && chosen === rows.length;
      all.indeterminate = chosen > 0 && chosen < rows.length;
    }
    say();
  }

  function say() {
    const text = selected.size ? `${selected.size} selected` : "";
    bar.elements.jobs.value = [...selected].join(",");
    bar.classList.toggle("is-shown", selected.size > 0);
    bar.querySelector("[data-bulk-controls]").hidden = selected.size === 0;
    const count = bar.querySelector("[data-selected-count]");
    if (count.textContent !== text) count.textContent = text || (count.textContent && "Nothing selected");
  }

  const pageIds = () => [...document.querySelectorAll("#job-rows [data-job]")].map(idOf);

  function toggle(id) {
    if (!selected.delete(id)) selected.add(id);
    anchor = id;
    show();
  }
  function selectOnly(ids) {
    selected.clear();
    seen.clear();
    ids.forEach((id) => selected.add(String(id)));
    show();
  }
  function range(to, { add }) {
    const order = [...new Set(shownJobs().map(idOf))];
    const from = order.indexOf(anchor ?? to);
    const [first, last] = [from < 0 ? order.indexOf(to) : from, order.indexOf(to)].sort((a, b) => a - b);
    if (!add) selected.clear();
    order.slice(first, last + 1).forEach((id) => selected.add(id));
    anchor ??= to;
    show();
  }

  // Mouse --------------------------------------------------------------------------------------

  const isTyping = (target) => target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const isMeant = (event) => event.ctrlKey || event.metaKey || event.shiftKey;

  // Before htmx and the browser see it: with a modifier the click is no visit.
  document.addEventListener("click", (event) => {
    const job = event.target.closest("main [data-job]");
    if (!job || isTyping(event.target)) return;
    const box = event.target.closest("[data-select-job]");
    if (!isMeant(event) && !box) return;
    event.stopPropagation();
    if (!box) event.preventDefault();
    if (event.shiftKey) range(idOf(job), { add: Boolean(box) || event.ctrlKey || event.metaKey });
    else toggle(idOf(job));
    if (box) setTimeout(show); // the browser has its own idea of what a clicked box shows
  }, true);
  // Shift-click would mark text as well.
  document.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest("main [data-job]") && !isTyping(event.target)) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-select-page]")) return;
    const { checked } = event.target;
    for (const id of pageIds()) checked ? selected.add(id) : selected.delete(id);
    show();
  });

  // Keys ---------------------------------------------------------------------------------------

  const isElsewhere = () => document.getElementById("dialog").open || document.querySelector("#job-menu:not([hidden])");
  document.addEventListener("keydown", (event) => {
    if (isElsewhere() || isTyping(event.target)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a" && pageIds().length) {
      event.preventDefault();
      pageIds().forEach((id) => selected.add(id));
      show();
    }
    const job = event.key === "x" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target.closest("main [data-job]");
    if (job) toggle(idOf(job));
  });
  // Escape belongs to whatever lies above first: asked before those have closed, done after they had their turn.
  let isFree = false;
  window.addEventListener("keydown", (event) => {
    const above = "#drawer > *, details[data-menu][open]";
    isFree = event.key === "Escape" && !isElsewhere() && !document.querySelector(above) && !isTyping(event.target);
  }, true);
  window.addEventListener("keydown", (event) => {
    if (isFree && selected.size && !event.defaultPrevented) selectOnly([]);
  });

  bar.addEventListener("click", (event) => {
    if (event.target.closest("[data-select-none]")) selectOnly([]);
  });
  document.body.addEventListener("select-jobs", (event) => selectOnly(event.detail.jobs));
  // The answer to a bulk change: those that were refused stay.
  document.addEventListener("htmx:afterSettle", (event) => {
    const answer = event.detail.target?.querySelector?.(":scope > [data-now-selected]");
    if (answer) selectOnly(answer.dataset.nowSelected.split(" ").filter(Boolean));
  });

  // Rows that come anew ------------------------------------------------------------------------

  let focusedBox = null;
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const box = document.activeElement;
    focusedBox = box?.matches("[data-select-job]") && event.detail.target.contains(box) ? event.detail.target.id : null;
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    if (focusedBox) document.getElementById(focusedBox)?.querySelector("[data-select-job]")?.focus();
    focusedBox = null;
    later();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.closest?.("main")) later();
  });
  // Not between two swaps of one answer: a job may have left one lane and not yet come to the other.
  let waiting = false;
  function later() {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      show();
    });
  }
  document.body.addEventListener("jobs-drawn", later); // by a view that draws them itself
  window.addEventListener("pageshow", show);
})();
