// Jobs as pins or, where they crowd, as clusters: by pixels, only what is in sight. Markers are kept by key and
// changed in place: the focus stays, and a pin that is being dragged stays the same element.
window.MapClusters = class {
  static CELL = 42;
  static WORST = [
    ["late", "▲", (job) => job.late],
    ["urgent", "‼", (job) => job.priority === 4],
    ["unassigned", "○", (job) => job.status === "created"],
  ];

  static WORST_OF_SLA = [
    ["breached", "▲", (job) => MapSla.tell(job).state === "breached"],
    ["at-risk", "!", (job) => MapSla.tell(job).state === "at-risk"],
  ];

  constructor(map) {
    Object.assign(this, { map, points: [], drawn: new Map(), layer: L.layerGroup().addTo(map), isHeld: false });
    map.on("moveend", () => this.draw());
    // By itself a popup would close at the very click that opens it.
    map.on("click", ({ originalEvent }) => {
      if (!originalEvent.target.closest(".leaflet-marker-icon, .leaflet-popup")) map.closePopup();
    });
  }
  set(points) {
    this.points = points.sort((one, other) => one.pk - other.pk);
    this.draw();
    this.refreshList();
  }
  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld) this.draw();
  }
  // Around the job with the lowest number stand all that would overlap it, so that no two markers touch.
  cells() {
    const { CELL } = MapClusters;
    const zoom = this.map.getZoom();
    const bounds = this.map.getBounds().pad(0.15);
    const grid = new Map();
    const cells = new Map();
    for (const point of this.points) {
      if (!bounds.contains(point.at)) continue;
      const pixel = this.map.project(point.at, zoom);
      const [column, row] = [Math.floor(pixel.x / CELL), Math.floor(pixel.y / CELL)];
      const around = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].flatMap((dy) => grid.get(`${column + dx}:${row + dy}`) ?? []));
      const near = around.find((one) => one.pixel.distanceTo(pixel) < CELL);
      if (near) { near.points.push(point); continue; }
      const cell = { pixel, points: [point] };
      const key = `${column}:${row}`;
      grid.set(key, [...(grid.get(key) ?? []), cell]);
      cells.set(`${zoom} ${point.pk}`, cell.points);
    }
    return cells;
  }
  draw() {
    if (this.isHeld) return;
    const wanted = new Map();
    for (const [key, points] of this.cells()) wanted.set(points.length === 1 ? `job ${points[0].pk}` : key, points);
    for (const [key, drawn] of this.drawn) {
      if (wanted.has(key)) continue;
      drawn.marker.remove();
      this.drawn.delete(key);
    }
    for (const [key, points] of wanted) {
      const drawn = this.drawn.get(key) ?? this.make(key, points);
      drawn.points = points;
      if (points.length === 1) this.tellPin(drawn, points[0]);
      else this.tellCluster(drawn, points);
    }
    document.body.dispatchEvent(new CustomEvent("jobs-drawn"));
  }
  make(key, points) {
    const isPin = points.length === 1;
    const root = isPin ? MapRows.element("span", "", { "aria-hidden": "true" }) : MapRows.element("button", "", { type: "button" });
    const size = isPin ? 26 : 38;
    // An element, not a string: Leaflet would put that into the page as HTML.
    const icon = L.divIcon({ html: root, className: isPin ? "map-pin" : "map-cluster", iconSize: [size, size] });
    const drawn = { marker: L.marker(points[0].at, { icon, keyboard: false }).addTo(this.layer), text: root };
    const made = drawn.marker.getElement();
    if (isPin) {
      drawn.link = MapRows.element("a", "", { class: "job-link", draggable: "false" });
      made.append(drawn.link);
      // What is pressed here may be dragged: the map must not move with it.
      L.DomEvent.on(made, "mousedown touchstart", L.DomEvent.stopPropagation);
    } else root.addEventListener("click", () => this.open(drawn));
    this.drawn.set(key, drawn);
    return drawn;
  }
  tellPin(drawn, job) {
    const made = drawn.marker.getElement();
    if (!drawn.marker.getLatLng().equals(job.at)) drawn.marker.setLatLng(job.at);
    MapRows.tie(made, job);
    made.dataset.mark = MapRows.markOf(job);
    MapRows.write(drawn.text, MapRows.signOf(job));
    MapRows.write(drawn.link, MapRows.nameOf(job));
    drawn.link.setAttribute("href", `/jobs/${job.pk}/`);
    drawn.link.title = MapRows.nameOf(job);
  }
  tellCluster(drawn, points) {
    const worst = MapSla.isShown() ? MapClusters.WORST_OF_SLA : MapClusters.WORST;
    const [word, sign, count] = worst.map(([one, mark, is]) => [one, mark, points.filter(is).length]).find((one) => one[2]) ?? ["", "", 0];
    const isOnePlace = this.cannotPart(points);
    const name = `${points.length} jobs${isOnePlace ? " at one place" : ""}${count ? `, ${count} ${word}` : ""}: ${isOnePlace ? "list them" : "zoom in"}`;
    drawn.marker.getElement().dataset.worst = word;
    if (!drawn.marker.getLatLng().equals(points[0].at)) drawn.marker.setLatLng(points[0].at);
    MapRows.write(drawn.text, `${points.length}${sign && ` ${sign}`}`);
    drawn.text.setAttribute("aria-label", name);
    drawn.text.title = name;
  }
  cannotPart(points) {
    const first = points[0].at;
    return this.map.getZoom() >= this.map.getMaxZoom() || points.every(({ at }) => at[0] === first[0] && at[1] === first[1]);
  }
  open({ points }) {
    if (this.cannotPart(points)) return this.list(points);
    const bounds = L.latLngBounds(points.map((job) => job.at)).pad(0.2);
    const closer = Math.max(this.map.getZoom() + 1, this.map.getBoundsZoom(bounds));
    return this.map.setView(bounds.getCenter(), Math.min(closer, this.map.getMaxZoom()));
  }

  // No zoom parts what is at one address: a list does.
  list(points) {
    const rows = MapRows.element("ul", "", { class: "map-list", "aria-label": "Jobs at this place" });
    this.listed = new Set(points.map((job) => job.pk));
    this.rows = rows;
    const before = document.activeElement;
    this.popup = L.popup({ maxHeight: 260, minWidth: 240, closeButton: false, closeOnClick: false }).setLatLng(points[0].at).setContent(rows);
    this.refreshList();
    this.popup.openOn(this.map);
    L.DomEvent.off(this.popup.getElement(), "contextmenu", L.DomEvent.stopPropagation); // each row has the job's menu
    rows.querySelector(".job-link")?.focus();
    rows.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.map.closePopup(this.popup);
      before?.focus?.();
    });
  }
  refreshList() {
    if (!this.rows) return;
    MapRows.fillJobs(this.rows, this.points.filter((job) => this.listed.has(job.pk)));
    if (!this.rows.children.length) this.map.closePopup(this.popup);
  }
};
