// The board's map. Data comes after the page and again when something changes; the view is kept.
(() => {
  const holder = document.getElementById("map");
  if (!holder) return;
  const MARKS = { 3: "↑", 4: "‼" };
  const SHAPES = { created: "○", assigned: "●", en_route: "▶", in_progress: "■", completed: "✓", cancelled: "–" };
  const WORDS = { created: "unassigned", assigned: "assigned", en_route: "en route", in_progress: "on site" };
  const STALE_MS = 15 * 60 * 1000;
  const LISTED = 100;
  const { tiles, attribution, day } = holder.dataset;
  const map = L.map(holder, { maxZoom: 19, center: [20, 0], zoom: 2, attributionControl: Boolean(attribution) });
  if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 19 }).addTo(map);
  const routes = L.layerGroup().addTo(map);
  const zones = L.layerGroup().addTo(map);
  const people = new Map(); // pk -> {marker, technician}
  let data = null;
  let fitted = false;

  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  // Leaflet puts a string into the page as HTML; an element's text stays text.
  const iconOf = (text, className, size) => L.divIcon({ html: element("span", text), className, iconSize: [size, size] });
  const openJob = (pk) => htmx.ajax("GET", `/jobs/${pk}/drawer/`, { target: "#drawer", swap: "innerHTML" });
  const openTechnician = (pk) => htmx.ajax("GET", `/board/map/technicians/${pk}/`, { target: "#map-technician", swap: "innerHTML" })
    .then(() => document.querySelector("#map-technician > *")?.focus());

  function named(marker, name, attributes, open) {
    marker.on("add", () => {
      const made = marker.getElement();
      made.setAttribute("aria-label", name);
      made.title = name;
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      // What is pressed here may be dragged: the map must not move with it.
      L.DomEvent.on(made, "mousedown touchstart", L.DomEvent.stopPropagation);
    });
    marker.on("click", open);
    marker.on("keypress", ({ originalEvent }) => { if (originalEvent.key === "Enter") open(); });
    return marker;
  }
  const nameOf = (job) => [job.title, WORDS[job.status] ?? job.status, { 3: "high priority", 4: "urgent" }[job.priority],
    job.late && `${job.late} min late`, job.order && `stop ${job.order}`].filter(Boolean).join(", ");
  function pin(job, shift) {
    const mark = (MARKS[job.priority] ?? "") + (job.late ? "▲" : "");
    const icon = iconOf(job.order ?? SHAPES[job.status], `map-pin ${job.status} p${job.priority}`, 26);
    icon.options.iconAnchor = [13 - shift, 13];
    const attributes = { "data-job": job.pk, "data-drag-job": job.pk, "data-seen": `${job.status}.${job.technician ?? ""}`, "data-mark": mark };
    return named(L.marker(job.at, { icon, keyboard: true }), nameOf(job), attributes, () => openJob(job.pk));
  }
  function cluster(jobs) {
    const bad = jobs.filter((job) => job.late || job.priority === 4).length;
    const icon = iconOf(jobs.length + (bad ? " ▲" : ""), `map-cluster${bad ? " is-bad" : ""}`, 38);
    const name = `${jobs.length} jobs${bad ? `, ${bad} late or urgent` : ""}: zoom in`;
    const closer = () => map.fitBounds(L.latLngBounds(jobs.map((job) => job.at)).pad(0.2), { maxZoom: 17 });
    return named(L.marker(jobs[0].at, { icon }), name, {}, closer);
  }
  const clusters = new MapClusters(map, { pin, cluster });

  const ageOf = (at) => at && Math.max(0, Date.now() - Date.parse(at));
  const ageText = (age) => (age < 60000 ? "just now" : age < 7200000 ? `${Math.floor(age / 60000)} min` : `${Math.floor(age / 3600000)} h`);
  const dropOf = (technician) => ({ "data-drop-technician": technician.pk, "data-drop-day": day });
  function drawTechnician(technician) {
    people.get(technician.pk)?.marker?.remove();
    people.set(technician.pk, { technician });
    if (technician.latitude === null) return;
    const age = ageOf(technician.recorded_at);
    const isStale = age === null || age > STALE_MS;
    const initials = technician.name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("");
    const icon = iconOf(initials, `map-technician ${technician.doing}${isStale ? " is-stale" : ""}`, 30);
    const told = age === null ? "at home, no position" : ageText(age);
    icon.options.html.append(element("small", age === null ? "home" : told));
    const marker = named(L.marker([technician.latitude, technician.longitude], { icon, zIndexOffset: 500 }),
      `${technician.name}, ${technician.label}, ${told}`, { ...dropOf(technician), "data-technician": technician.pk }, () => openTechnician(technician.pk));
    people.get(technician.pk).marker = marker.addTo(map);
  }
  function drawRoutes() {
    routes.clearLayers();
    data.technicians.forEach((technician, place) => {
      const stops = data.points.filter((job) => job.technician === technician.pk && job.status !== "cancelled").map((job) => job.at);
      if (technician.latitude !== null) stops.unshift([technician.latitude, technician.longitude]);
      if (stops.length > 1) L.polyline(stops, { className: `map-route-${place % 6}`, weight: 2.5, interactive: false, dashArray: place % 12 > 5 ? "6 4" : null }).addTo(routes);
    });
  }
  function list(selector, rows) {
    const target = document.querySelector(selector);
    const before = target.querySelector(":focus")?.dataset.row;
    target.replaceChildren(...rows.map(({ key, text, side, attributes = {}, open, href }) => {
      const row = element(href ? "a" : "button", text, { "data-row": key, ...(href ? { href } : { type: "button" }), ...attributes });
      if (side) row.append(Object.assign(element("span", side), { className: "small" }));
      if (open) row.addEventListener("click", open);
      const item = document.createElement("li");
      item.append(row);
      return item;
    }));
    if (before) target.querySelector(`[data-row="${before}"]`)?.focus();
  }
  function drawLists() {
    list("[data-map-technicians]", data.technicians.map((one) => ({ key: one.pk, text: one.name, side: `${one.label} · ${one.jobs}/${one.maximum}`, attributes: dropOf(one), open: () => openTechnician(one.pk) })));
    const shown = data.points.slice(0, LISTED);
    list("[data-map-jobs]", shown.map((job) => ({ key: job.pk, text: job.title, side: WORDS[job.status] ?? job.status, open: () => openJob(job.pk) })));
    const unplaced = data.jobs.filter((job) => !job.at);
    document.querySelector("[data-map-unplaced]").hidden = !unplaced.length;
    document.querySelector("[data-map-unplaced-count]").textContent = unplaced.length;
    list("[data-map-unplaced] ul", unplaced.slice(0, LISTED).map((job) => ({ key: job.pk, text: job.title, side: "Pin it", href: `/sites/${job.site}/` })));
  }
  let outlines = null;
  async function drawZones() {
    outlines ??= await fetch(holder.dataset.zones).then((response) => response.json());
    const figures = new Map(data.zones.map((zone) => [zone.pk, zone]));
    zones.clearLayers();
    for (const outline of outlines.features) {
      const zone = figures.get(outline.properties.pk);
      if (!zone) continue;
      const text = `${outline.properties.name}: ${zone.coverage}, ${zone.open} open, ${zone.on_duty} on duty`;
      L.geoJSON(outline, { style: { className: `map-zone ${zone.coverage}`, weight: 1.5 } }).bindTooltip(element("span", text), { sticky: true }).addTo(zones);
    }
  }
  function fit() {
    const all = [...data.points.map((job) => job.at), ...data.technicians.filter((one) => one.latitude !== null).map((one) => [one.latitude, one.longitude])];
    if (!fitted && all.length) map.fitBounds(L.latLngBounds(all).pad(0.1), { maxZoom: 15, animate: false });
    fitted = true;
  }
  function draw(answer) {
    const jobs = answer.jobs.map((row) => Object.fromEntries(answer.job_fields.map((name, place) => [name, row[place]])));
    for (const job of jobs) {
      job.at = job.site__latitude === null ? null : [job.site__latitude, job.site__longitude];
      job.state = [job.status, job.priority, job.technician, job.late, job.order, job.title, job.at].join();
    }
    data = { ...answer, jobs, points: jobs.filter((job) => job.at) };
    fit();
    clusters.set(data.points);
    for (const [pk, { marker }] of people) {
      if (answer.technicians.some((one) => one.pk === pk)) continue;
      marker?.remove();
      people.delete(pk);
    }
    answer.technicians.forEach(drawTechnician);
    drawRoutes();
    drawLists();
    drawZones();
  }

  const REST = 5; // after an answer, times as long as it took: a busy server gets fewer requests
  let wanted = false;
  let asking = false;
  async function ask() {
    if (asking || !wanted) return;
    wanted = false;
    asking = true;
    const begun = performance.now();
    try {
      const response = await fetch(holder.dataset.url + location.search);
      if (response.ok && !response.redirected) draw(await response.json());
    } finally {
      setTimeout(() => { asking = false; ask(); }, Math.min(4000, (performance.now() - begun) * REST));
    }
  }
  const want = () => { wanted = true; ask(); };
  for (const event of ["live-jobs", "live-technicians", "live-refresh"]) document.body.addEventListener(event, want);
  document.body.addEventListener("technician-moved", ({ detail }) => {
    const known = people.get(detail.technician)?.technician;
    if (!known) return;
    Object.assign(known, { latitude: detail.latitude, longitude: detail.longitude, recorded_at: detail.recorded_at });
    drawTechnician(known);
    drawRoutes();
  });
  setInterval(() => [...people.values()].forEach(({ technician }) => drawTechnician(technician)), 60000);
  for (const [name, layer] of [["zones", zones], ["routes", routes]]) {
    document.querySelector(`[data-map-${name}]`).addEventListener("change", (event) => { map[event.target.checked ? "addLayer" : "removeLayer"](layer); });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-technician]")) document.getElementById("map-technician").replaceChildren();
  });
  selectArea(map, document.querySelector("[data-map-area]"), () => data?.points ?? []);
  new ResizeObserver(() => map.invalidateSize()).observe(holder);
  want();
})();
