// Jobs in words and as rows: beside the map, and in the list of those at one address.
window.MapRows = (() => {
  const WORDS = { created: "unassigned", assigned: "assigned", en_route: "en route", in_progress: "on site" };
  const SHAPES = { created: "○", assigned: "●", en_route: "▶", in_progress: "■", completed: "✓", cancelled: "–" };
  const PRIORITIES = { 3: "high priority", 4: "urgent" };
  const MARKS = { 3: "↑", 4: "‼" };

  function element(tag, text = "", attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }
  const wordOf = (job) => WORDS[job.status] ?? job.status;
  const markOf = (job) => (MARKS[job.priority] ?? "") + (job.late ? "▲" : "");
  const nameOf = (job) => [job.title, wordOf(job), PRIORITIES[job.priority], job.late && `${job.late} min late`, job.order && `stop ${job.order}`, MapSla.tell(job).said]
    .filter(Boolean).join(", ");
  const signOf = (job) => (MapSla.isShown() ? MapSla.tell(job).sign : job.order ?? SHAPES[job.status]);

  // Unchanged text stays the same node, so that nothing flickers and screen readers are not told again.
  const write = (made, text) => { if (made.textContent !== String(text)) made.textContent = text; };

  // What drag.js, selection.js and job_menu.js go by.
  function tie(made, job) {
    Object.assign(made.dataset, { sla: MapSla.tell(job).state, job: job.pk, dragJob: job.pk, seen: `${job.status}.${job.technician ?? ""}`, version: job.version, status: job.status, priority: job.priority });
  }
  function jobRow() {
    const row = element("li", "", { class: "map-row" });
    const tick = element("label");
    tick.append(element("input", "", { type: "checkbox", "data-select-job": "" }));
    const text = element("a", "", { class: "job-link", draggable: "false" });
    row.append(tick, element("span", "", { class: "map-dot", "aria-hidden": "true" }), text, element("span", "", { class: "small muted" }));
    return row;
  }
  function tellJob(row, job, aside = "") {
    tie(row, job);
    const [tick, dot, text, side] = row.children;
    tick.firstChild.setAttribute("aria-label", `Select ${job.title}`);
    write(dot, signOf(job));
    write(text, job.title);
    text.setAttribute("href", `/jobs/${job.pk}/`);
    write(side, aside || [markOf(job), MapSla.isShown() ? MapSla.tell(job).brief : wordOf(job)].filter(Boolean).join(" "));
  }
  // Rows are kept by key and only those are touched that changed: the focus and the place in the list stay.
  function fill(list, items, { make, tell, keyOf = (item) => item.pk }) {
    list.kept ??= new Map();
    const wanted = new Set(items.map(keyOf));
    for (const [key, row] of list.kept) {
      if (wanted.has(key)) continue;
      row.remove();
      list.kept.delete(key);
    }
    items.forEach((item, place) => {
      const key = keyOf(item);
      const row = list.kept.get(key) ?? make(item);
      list.kept.set(key, row);
      tell(row, item);
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    });
  }
  const fillJobs = (list, jobs, aside) => fill(list, jobs, { make: jobRow, tell: (row, job) => tellJob(row, job, aside) });

  return { element, write, tie, nameOf, wordOf, markOf, signOf, fill, fillJobs };
})();
