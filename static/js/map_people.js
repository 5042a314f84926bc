// Technicians on the map with the age of their position, and their routes. Each marker and line is made once and moved.
window.MapPeople = class {
  static STALE_MS = 15 * 60 * 1000;
  static GLIDE_PX = 400;
  static STILL = matchMedia("(prefers-reduced-motion: reduce)");
  static COLOURS = 6;
  static WIDTH = 38; // of a marker with its age, in pixels
  static HEIGHT = 50;
  static SHIFTS = Array.from({ length: 29 }, (_, step) => Math.ceil(step / 2) * 8 * (step % 2 ? 1 : -1)); // 0, 8, -8, 16 ...

  constructor(map, { day, choose }) {
    Object.assign(this, { map, day, choose, drawn: new Map(), routes: L.layerGroup().addTo(map), lines: new Map(), chosen: null });
    // Out of sight is out of the order of Tab and no goal for a job that is moved by keys.
    map.on("zoomstart", () => this.drawn.forEach(({ marker }) => marker.getElement().classList.remove("is-gliding")));
    map.on("moveend", () => { this.drawn.forEach((drawn) => this.hide(drawn)); this.spread(); });
  }
  dropOn(made, technician) {
    Object.assign(made.dataset, { dropTechnician: technician.pk, dropName: technician.name, ...(this.day && { dropDay: this.day }) });
  }
  tell(technicians) {
    technicians.forEach((technician) => this.tellOne(technician));
  }
  drop(pk) {
    this.drawn.get(pk)?.marker.remove();
    this.drawn.delete(pk);
    this.lines.get(pk)?.remove();
    this.lines.delete(pk);
  }
  make(technician, at) {
    const button = MapRows.element("button", "", { type: "button" });
    const icon = L.divIcon({ html: button, className: "map-technician", iconSize: [30, 30], iconAnchor: [15, 46] }); // above their place: there may be a job
    const marker = L.marker(at, { icon, zIndexOffset: 500, keyboard: false }).addTo(this.map);
    const age = MapRows.element("small", "", { "aria-hidden": "true" });
    marker.getElement().append(age);
    button.addEventListener("click", () => this.choose(technician.pk));
    const made = marker.getElement();
    made.addEventListener("transitionend", ({ target }) => { if (target === made) made.classList.remove("is-gliding"); });
    const drawn = { marker, button, age };
    this.drawn.set(technician.pk, drawn);
    return drawn;
  }
  tellOne(technician) {
    if (technician.latitude === null) return this.drop(technician.pk);
    const at = [technician.latitude, technician.longitude];
    const drawn = this.drawn.get(technician.pk) ?? this.make(technician, at);
    const made = drawn.marker.getElement();
    const age = technician.recorded_at ? Math.max(0, Date.now() - Date.parse(technician.recorded_at)) : null;
    if (!drawn.marker.getLatLng().equals(at)) this.move(drawn.marker, at);
    made.dataset.technician = technician.pk;
    made.dataset.doing = technician.doing;
    made.classList.toggle("is-stale", age === null || age > MapPeople.STALE_MS);
    this.dropOn(made, technician);
    MapRows.write(drawn.button, technician.name.split(/\s+/).map((word) => word[0]).slice(0, 2).join(""));
    made.classList.toggle("is-silent", Boolean(technician.silent));
    const mark = technician.silent ? "◌ silent " : technician.is_stuck ? "▲ " : technician.hint ? "⌂ " : "";
    MapRows.write(drawn.age, mark + (age === null ? "home" : MapPeople.ageText(age)));
    const where = age === null ? "at home, no position" : age < 60000 ? "position just now" : `position ${MapPeople.ageText(age)} ago`;
    const more = [technician.hint, technician.is_stuck && "no nearer for a while", technician.silent && "phone silent"];
    const name = [technician.name, technician.label, ...more.filter(Boolean), where].join(", ");
    drawn.button.setAttribute("aria-label", name);
    drawn.button.title = name;
    return this.hide(drawn);
  }
  // A short way is driven, a long one jumped: whoever was silent for an hour did not fly.
  move(marker, at) {
    const from = this.map.latLngToLayerPoint(marker.getLatLng());
    const distance = from.distanceTo(this.map.latLngToLayerPoint(at));
    const isSeen = !this.isRush && !marker.getElement().hidden && !document.hidden && !MapPeople.STILL.matches;
    marker.getElement().classList.toggle("is-gliding", isSeen && distance >= 1 && distance < MapPeople.GLIDE_PX);
    marker.setLatLng(at);
  }
  hide({ marker, button }) {
    if (button !== document.activeElement) marker.getElement().hidden = !this.map.getBounds().contains(marker.getLatLng());
  }
  // Those at nearly the same place stand side by side, as far as there is room; each keeps its pointer over its own place.
  spread() {
    const taken = [];
    for (const { marker } of this.drawn.values()) {
      const made = marker.getElement();
      if (made.hidden) continue;
      const { x, y } = this.map.latLngToLayerPoint(marker.getLatLng());
      const isFree = (shift) => taken.every((other) => Math.abs(other.x - x - shift) >= MapPeople.WIDTH || Math.abs(other.y - y) >= MapPeople.HEIGHT);
      const shift = MapPeople.SHIFTS.find(isFree) ?? 0;
      taken.push({ x: x + shift, y });
      made.style.setProperty("--shift", `${shift}px`);
    }
  }
  static ageText(age) {
    if (age < 60000) return "just now";
    return age < 7200000 ? `${Math.floor(age / 60000)} min` : `${Math.floor(age / 3600000)} h`;
  }

  // What is done, in its order; and from where they are through what is still to do.
  drawRoute(technician, stops) {
    const placed = stops.filter((job) => job.at && job.status !== "cancelled").sort((one, other) => one.order - other.order);
    const [done, ahead] = [true, false].map((isDone) => placed.filter((job) => (job.status === "completed") === isDone));
    const lines = [done, ahead].map((part) => MapRoads.along(part, technician.roads));
    if (technician.latitude !== null && ahead.length) {
      const road = technician.roads?.get(`${done.at(-1)?.pk ?? 0}-${ahead[0].pk}`);
      lines[1].unshift(...MapRoads.rest(road, [technician.latitude, technician.longitude]));
    }
    const parts = lines.filter((part) => part.length > 1);
    const line = this.lines.get(technician.pk);
    if (line) line.setLatLngs(parts);
    else {
      const { className, isDashed } = MapPeople.styleOf(technician);
      this.lines.set(technician.pk, L.polyline(parts, { className, weight: 2.5, interactive: false, dashArray: isDashed ? "6 4" : null }).addTo(this.routes));
    }
  }
  static styleOf({ place }) {
    return { className: `map-route map-route-${place % MapPeople.COLOURS}`, isDashed: place % (2 * MapPeople.COLOURS) >= MapPeople.COLOURS };
  }
  // One technician's route alone, or, with null, all alike.
  emphasise(pk) {
    this.chosen = pk;
    for (const [key, line] of this.lines) {
      line.getElement()?.classList.toggle("is-faint", pk !== null && key !== pk);
      line.getElement()?.classList.toggle("is-chosen", key === pk);
      if (key === pk) line.bringToFront();
    }
    for (const [key, { marker }] of this.drawn) marker.getElement().classList.toggle("is-chosen", key === pk);
  }
};
