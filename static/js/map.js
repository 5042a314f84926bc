// The board's map: what is known of jobs, technicians and zones, asked for again when something changes. The view stays.
(() => {
  const holder = document.getElementById("map");
  if (!holder) return;
  const LISTED = 100; // rows of a list
  const CROWD = 20; // technicians; the routes of more are drawn faintly until one is picked out
  const SPREAD_MS = 1000;
  const NAMED = 150; // changed jobs in one question; of more, everything is asked for
  const { tiles, attribution, day } = holder.dataset;
  const map = L.map(holder, { maxZoom: 19, zoomSnap: 0.5, center: [20, 0], zoom: 2, attributionControl: Boolean(attribution) });
  map.zoomControl.setPosition("topright");
  if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 19 }).addTo(map);
  const find = (name) => document.querySelector(`[data-map-${name}]`);
  const zones = new MapZones(map, holder.dataset.zones);
  const people = new MapPeople(map, { day, choose });
  const pins = new MapClusters(map);
  const jobs = new Map(); // pk -> job
  const technicians = new Map(); // pk -> technician
  const points = () => [...jobs.values()].filter((job) => job.at);
  const seen = () => { const bounds = map.getBounds(); return points().filter((job) => bounds.contains(job.at)); };
  let fitted = false;

  const openJob = (pk) => htmx.ajax("GET", `/jobs/${pk}/drawer/`, { target: "#drawer", swap: "innerHTML" });
  const loadPanel = (pk) => htmx.ajax("GET", `/board/map/technicians/${pk}/`, { target: "#map-technician", swap: "innerHTML" });
  function choose(pk) {
    if (people.chosen === pk) return letGo();
    people.emphasise(pk);
    drawTechnicians();
    return loadPanel(pk).then(() => document.querySelector("#map-technician > *")?.focus());
  }
  function letGo() {
    const chosen = people.chosen;
    document.getElementById("map-technician").replaceChildren();
    people.emphasise(null);
    drawTechnicians();
    find("technicians").kept?.get(chosen)?.querySelector("button").focus();
  }

  // Lists ------------------------------------------------------------------------------------------

  function technicianRow(technician) {
    const { className, isDashed } = MapPeople.styleOf(technician);
    const row = MapRows.element("li", "", { class: "map-row" });
    const button = MapRows.element("button", "", { type: "button" });
    button.append(MapRows.element("i", "", { class: `map-swatch ${className}${isDashed ? " is-dashed" : ""}`, "aria-hidden": "true" }),
      MapRows.element("span"), MapRows.element("span", "", { class: "small muted" }));
    button.addEventListener("click", () => choose(technician.pk));
    row.append(button);
    return row;
  }
  function tellTechnician(row, technician) {
    people.dropOn(row, technician);
    const [, name, side] = row.firstChild.children;
    row.firstChild.setAttribute("aria-pressed", people.chosen === technician.pk);
    MapRows.write(name, technician.name);
    const stops = `${technician.stops} stop${technician.stops === 1 ? "" : "s"}`;
    MapRows.write(side, `${technician.label} · ${technician.hint ? "⌂ · " : ""}${technician.silent ? "◌ silent · " : ""}${technician.is_stuck ? "▲ no nearer · " : ""}${technician.late ? "▲ late · " : ""}${stops}`);
  }
  function drawTechnicians() {
    MapRows.fill(find("technicians"), [...technicians.values()], { make: technicianRow, tell: tellTechnician });
  }
  const cut = (shown, all) => (all > shown ? `The first ${shown} of ${all}: zoom in or filter to see the others.` : "");
  function drawJobs() {
    const inSight = seen();
    MapRows.fillJobs(find("jobs"), inSight.slice(0, LISTED));
    MapRows.write(find("jobs-count"), inSight.length);
    MapRows.write(find("jobs-cut"), cut(LISTED, inSight.length));
    find("select-all").disabled = !inSight.length;
    MapRows.write(find("select-all"), `Select all ${inSight.length} in view`);
  }
  function drawUnplaced() {
    const unplaced = [...jobs.values()].filter((job) => !job.at);
    find("unplaced").hidden = !unplaced.length;
    MapRows.write(find("unplaced-count"), unplaced.length);
    MapRows.write(find("unplaced-cut"), cut(LISTED, unplaced.length));
    const list = find("unplaced").querySelector("ul");
    MapRows.fillJobs(list, unplaced.slice(0, LISTED), " ");
    for (const job of unplaced.slice(0, LISTED)) {
      const side = list.kept.get(job.pk).lastChild;
      if (!side.firstElementChild) side.replaceChildren(MapRows.element("a", "Pin it", { href: `/sites/${job.unplaced_site}/`, "aria-label": `Pin it: ${job.title}` }));
    }
  }
  // Every job of the map is in the page, in a cluster and out of sight as well: what is selected stays selected.
  function drawRest() {
    MapRows.fill(find("rest"), [...jobs.keys()], { make: () => document.createElement("i"), tell: (made, pk) => { made.dataset.job = pk; }, keyOf: (pk) => pk });
  }
  function drawTiles(figures) {
    for (const [name, count, tone] of figures) {
      const tile = document.querySelector(`[data-tile="${name}"]`);
      if (!tile) continue;
      MapRows.write(tile.querySelector("b"), count);
      tile.className = `tile ${tone}`;
    }
  }

  // Data -------------------------------------------------------------------------------------------

  function take(answer, asked) {
    const fresh = answer.jobs.map((row) => Object.fromEntries(answer.job_fields.map((name, place) => [name, row[place]])));
    const isReplaced = (job) => !asked || asked.jobs.has(job.pk) || answer.of.includes(job.technician);
    for (const job of jobs.values()) if (isReplaced(job)) jobs.delete(job.pk);
    for (const job of fresh) jobs.set(job.pk, { ...job, sla: MapSla.read(job.sla), at: job.latitude === null ? null : [job.latitude, job.longitude] });
    if (!asked) {
      const listed = new Set(answer.technicians.map((one) => one.pk));
      for (const pk of technicians.keys()) if (!listed.has(pk)) { people.drop(pk); technicians.delete(pk); }
    }
    for (const one of answer.technicians) technicians.set(one.pk, { place: technicians.size, ...technicians.get(one.pk), ...one, roads: new Map() });
    for (const [pk, from, to, road] of answer.roads) technicians.get(pk)?.roads.set(`${from}-${to}`, MapRoads.decode(road));
  }
  function draw(answer) {
    if (!fitted) fit();
    const stops = Map.groupBy(jobs.values(), (job) => job.technician);
    for (const { pk } of answer.technicians) {
      const technician = technicians.get(pk);
      const own = stops.get(pk) ?? [];
      technician.late = own.some((job) => job.late);
      technician.stops = own.filter((job) => job.status !== "cancelled").length;
      people.tellOne(technician);
      people.drawRoute(technician, own);
    }
    people.emphasise(people.chosen);
    people.spread();
    holder.classList.toggle("is-crowded", technicians.size > CROWD);
    pins.set(points());
    drawTechnicians();
    drawJobs();
    drawUnplaced();
    drawRest();
    drawTiles(answer.tiles);
    zones.set(answer.zones);
    const panel = document.querySelector("[data-technician-panel]");
    const shown = Number(panel?.dataset.technicianPanel);
    if (panel && !panel.contains(document.activeElement) && answer.technicians.some(({ pk }) => pk === shown)) loadPanel(shown);
  }
  function fit() {
    const placed = [...technicians.values()].filter((one) => one.latitude !== null).map((one) => [one.latitude, one.longitude]);
    const all = [...points().map((job) => job.at), ...placed];
    if (all.length) map.fitBounds(L.latLngBounds(all).pad(0.08), { maxZoom: 15, animate: false });
    fitted = true;
  }

  const pace = new Pace();
  const wanted = { all: true, jobs: new Set(), technicians: new Set() };
  let asking = false;
  let held = false; // nothing is redrawn under a job that is being dragged
  function question() {
    const asked = { jobs: new Set(wanted.jobs), technicians: new Set(wanted.technicians) };
    for (const pk of asked.jobs) if (jobs.get(pk)?.technician) asked.technicians.add(jobs.get(pk).technician);
    const isAll = wanted.all || asked.jobs.size > NAMED;
    Object.assign(wanted, { all: false, jobs: new Set(), technicians: new Set() });
    return isAll ? null : asked;
  }
  const isWaiting = () => wanted.all || wanted.jobs.size + wanted.technicians.size > 0;
  function wake() {
    pace.rested(isWaiting());
    asking = false;
    ask();
  }
  async function ask() {
    if (asking || held || !isWaiting()) return;
    asking = true;
    const begun = performance.now();
    const asked = question();
    const query = new URLSearchParams(location.search);
    if (asked) {
      query.set("ids", [...asked.jobs].join());
      query.set("technicians", [...asked.technicians].join());
    }
    try {
      const response = await fetch(`${holder.dataset.url}?${query}`);
      if (response.redirected) location.reload(); // logged out
      else if (response.ok) await settled(asked, await response.json());
    } finally {
      setTimeout(wake, pace.restAfter(performance.now() - begun));
    }
  }
  // What comes while a job is being dragged waits until that has ended.
  async function settled(asked, answer) {
    if (held) await new Promise((resolve) => { document.body.addEventListener("drag-ended", resolve, { once: true }); });
    take(answer, asked);
    draw(answer);
    performance.mark("map-drawn");
  }
  document.body.addEventListener("live-jobs", ({ detail }) => { detail.jobs.forEach((pk) => wanted.jobs.add(pk)); ask(); });
  document.body.addEventListener("live-technicians", ({ detail }) => { detail.technicians.forEach((pk) => wanted.technicians.add(pk)); ask(); });
  document.body.addEventListener("live-refresh", () => { wanted.all = true; ask(); });
  document.body.addEventListener("drag-begun", () => { held = true; pins.hold(true); });
  document.body.addEventListener("drag-ended", () => { held = false; pins.hold(false); ask(); });
  document.body.addEventListener("technician-moved", ({ detail }) => {
    const technician = technicians.get(detail.technician);
    if (!technician) return;
    const { latitude, longitude, recorded_at } = detail;
    heard ||= technician.silent;
    Object.assign(technician, { latitude, longitude, recorded_at, silent: false });
    if (!moved.size) requestAnimationFrame(drawMoved);
    moved.add(technician);
  });
  const moved = new Set(); // many at once are drawn in one frame
  let heard = false; // somebody who was silent
  let spreading = null; // it compares everybody with everybody
  function drawMoved() {
    people.isRush = moved.size > CROWD;
    const stops = Map.groupBy(jobs.values(), (job) => job.technician);
    for (const technician of moved) {
      people.tellOne(technician);
      people.drawRoute(technician, stops.get(technician.pk) ?? []);
    }
    moved.clear();
    people.isRush = false;
    spreading ??= setTimeout(() => { spreading = null; people.spread(); }, SPREAD_MS);
    if (heard) drawTechnicians();
    heard = false;
  }
  setInterval(() => people.tell([...technicians.values()]), 20000);
  function recolour() {
    pins.draw();
    drawJobs();
    drawUnplaced();
  }
  document.body.addEventListener("map-coloured", recolour);
  setInterval(() => { if (MapSla.isShown()) recolour(); }, 20000);

  // Hands ------------------------------------------------------------------------------------------

  holder.addEventListener("click", (event) => {
    const job = event.target.closest(".job-link")?.closest("[data-job]");
    if (!job || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openJob(job.dataset.job);
  }, true);
  document.querySelector(".map-panel").addEventListener("click", (event) => {
    const row = event.target.closest(".map-row .job-link")?.closest("[data-job]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openJob(row.dataset.job);
  });
  // By Tab one may come to a pin just outside.
  holder.addEventListener("focusin", (event) => {
    const pk = Number(event.target.closest(".map-pin")?.dataset.job);
    const at = jobs.get(pk)?.at;
    if (at && !map.getBounds().contains(at)) map.panInside(at, { padding: [40, 40] });
  });
  find("select-all").addEventListener("click", () => {
    document.body.dispatchEvent(new CustomEvent("select-jobs", { detail: { jobs: seen().map((job) => job.pk) } }));
  });
  for (const [name, layer] of [["zones", zones.layer], ["routes", people.routes]]) {
    find(name).addEventListener("change", (event) => {
      map[event.target.checked ? "addLayer" : "removeLayer"](layer);
      people.emphasise(people.chosen);
    });
  }
  document.addEventListener("click", (event) => { if (event.target.closest("[data-close-technician]")) letGo(); });
  map.on("moveend", drawJobs);
  selectArea(map, find("area"), points);
  new ResizeObserver(() => map.invalidateSize()).observe(holder);
  ask();
})();
