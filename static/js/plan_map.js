// Draws the routes of a plan, or of a day: solid what is proposed, dashed what it was, stops numbered as in the list.
//
// [data-plan-map] has data-url (plans/<pk>/map.json) or data-source (the id of the JSON in the page). It is drawn anew
// after a swap that brought other JSON, and on `plan-map-changed`. On document.body `plan-route-chosen` with
// detail.technician (or null) brings one route forward; [data-plan-was] is the checkbox of the dashed lines.
// The list beside says the same in words, so the map itself is for eyes and pointers only.
(() => {
  const COLOURS = 6; // as map.css has them
  const MANY = 3; // routes; of fewer, each stop has its own large number
  const CROWD = 150; // pins; more than these stay where they are, one over the other; more left out are dots
  let drawn = null; // {holder, map, layer, text: what was drawn}

  const element = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
  const holderNow = () => document.querySelector("[data-plan-map]");

  async function read(holder) {
    const { source, url } = holder.dataset;
    if (source) return document.getElementById(source)?.textContent ?? "";
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    return response.ok && !response.redirected ? response.text() : "";
  }

  function begin(holder) {
    const { tiles, attribution } = holder.dataset;
    const map = L.map(holder, { maxZoom: 19, zoomSnap: 0.5, center: [20, 0], zoom: 2, keyboard: false, attributionControl: Boolean(attribution) });
    map.zoomControl.setPosition("topright");
    if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 19 }).addTo(map);
    for (const control of holder.querySelectorAll(".leaflet-control a")) control.tabIndex = -1;
    new ResizeObserver(() => { if (holder.isConnected) map.invalidateSize(); }).observe(holder);
    map.on("zoomend", spread);
    return { holder, map, layer: L.layerGroup().addTo(map), text: null, routes: [] };
  }

  async function draw({ refit = false } = {}) {
    const holder = holderNow();
    if (!holder) return;
    if (drawn?.holder !== holder) {
      drawn?.map.remove();
      drawn = begin(holder);
      refit = true;
    }
    const mine = drawn;
    const text = await read(holder);
    if (!text || mine !== drawn || text === mine.text) return;
    mine.text = text;
    mine.layer.clearLayers();
    const { routes, left_out: leftOut } = JSON.parse(text);
    const isOne = routes.length < MANY;
    mine.routes = routes.map((route) => drawRoute(mine, route, isOne));
    const [leftOutClass, sign] = (leftOut ?? []).length > CROWD ? ["left_out is-dot", ""] : ["left_out", "–"];
    for (const stop of leftOut ?? []) pin(mine.layer, stop, leftOutClass, sign)?.setZIndexOffset(-10_000); // below the routes
    if (refit) fit(mine, routes, leftOut ?? []);
    spread();
    showWas();
    choose(mine.chosen ?? null);
    performance.mark("plan-map-drawn");
  }

  function drawRoute({ layer }, route, isOne) {
    const colour = isOne ? "" : `map-route-${route.colour % COLOURS}`;
    const parts = { technician: route.technician, lines: [], pins: [], was: [] };
    const line = (points, className, weight, more = {}) =>
      L.polyline(points, { className: `${className} ${colour}`, weight, interactive: false, lineJoin: "round", ...more }).addTo(layer);
    if (route.was.length > 1) parts.was.push(line(route.was, "plan-line was", 2.5, { dashArray: "2 7", lineCap: "round" }));
    if (route.line.length > 1) {
      parts.lines.push(line(route.line, "plan-line-under", isOne ? 8 : 6), line(route.line, "plan-line", isOne ? 4.5 : 3));
    }
    if (route.start) {
      const made = pin(layer, { at: route.start, title: `${route.name} begins here` }, `start ${colour}`, "⌂");
      parts.pins.push(made);
    }
    for (const stop of route.stops) if (stop.at) parts.pins.push(pin(layer, stop, colour, stop.number, isOne));
    return parts;
  }

  function pin(layer, stop, className, text, isLarge = true) {
    if (!stop.at) return null;
    const size = className.endsWith("is-dot") ? 9 : isLarge ? 26 : 20;
    const states = `${stop.late ? " late" : ""}${stop.done ? " done" : ""}`;
    const made = element("span", "", text);
    const icon = L.divIcon({ html: made, className: `plan-pin ${className}${states}`, iconSize: [size, size] });
    const marker = L.marker(stop.at, { icon, keyboard: false, zIndexOffset: stop.late ? 200 : 0 }).addTo(layer);
    if (stop.title) marker.bindTooltip(document.createTextNode(stop.title), { direction: "top", offset: [0, -size / 2] });
    if (stop.job) {
      marker.getElement().dataset.pin = stop.job;
      marker.on("click", () => showInList(stop.job));
    }
    return marker;
  }
  // Stops of one house stand side by side, as far as there is room.
  const isStart = (marker) => Number(marker.getElement().classList.contains("start"));
  function spread() {
    const pins = (drawn?.routes ?? []).flatMap((route) => route.pins).filter(Boolean);
    if (pins.length > CROWD) return;
    const taken = [];
    for (const marker of [...pins].sort((one, other) => isStart(one) - isStart(other))) {
      const { x, y } = drawn.map.latLngToLayerPoint(marker.getLatLng());
      const width = marker.getElement().offsetWidth;
      const isFree = (shift) => taken.every((other) => Math.hypot(other.x - x - shift, other.y - y) >= width - 4);
      const shift = [0, 1, -1, 2, -2, 3, -3, 4, -4].map((step) => step * (width - 4)).find(isFree) ?? 0;
      taken.push({ x: x + shift, y });
      marker.getElement().style.setProperty("--shift", `${shift}px`);
    }
  }
  function showInList(job) {
    const row = document.querySelector(`[data-stop="${job}"]`);
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector(".job-link")?.focus({ preventScroll: true });
    for (const shown of document.querySelectorAll("[data-stop]")) shown.classList.toggle("is-shown", shown === row);
  }

  function fit({ map }, routes, leftOut) {
    const stops = [...routes.flatMap((route) => route.stops), ...leftOut];
    const all = [...stops.map((stop) => stop.at), ...routes.map((route) => route.start)].filter(Boolean);
    if (all.length) map.fitBounds(L.latLngBounds(all), { padding: [30, 30], maxZoom: 15, animate: false });
  }
  function showWas() {
    const box = document.querySelector("[data-plan-was]");
    for (const { was, lines } of drawn?.routes ?? []) {
      for (const line of was) line.getElement()?.classList.toggle("is-hidden", box ? !box.checked : false);
      for (const line of lines) line.bringToFront();
    }
  }
  function choose(technician) {
    if (!drawn) return;
    drawn.chosen = technician;
    for (const route of drawn.routes) {
      const isFaint = technician !== null && route.technician !== technician;
      for (const part of [...route.lines, ...route.was, ...route.pins]) part?.getElement()?.classList.toggle("is-faint", isFaint);
    }
  }
  function mark(job, isOn) {
    for (const shown of document.querySelectorAll(`[data-pin="${job}"]`)) shown.classList.toggle("is-open", isOn);
  }

  // The list's stop under the pointer or with the focus stands out on the map.
  for (const [event, isOn] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(event, ({ target }) => {
      const row = target.closest?.("[data-stop]");
      if (row) mark(row.dataset.stop, isOn);
    });
  }
  document.addEventListener("change", ({ target }) => { if (target.matches("[data-plan-was]")) showWas(); });
  document.body.addEventListener("plan-route-chosen", ({ detail }) => choose(detail.technician ?? null));
  // An answer may swap several parts: it is drawn once.
  let waiting = null;
  const drawSoon = () => { waiting ??= setTimeout(() => { waiting = null; draw(); }); };
  document.body.addEventListener("plan-map-changed", drawSoon);
  document.addEventListener("htmx:afterSwap", drawSoon);
  draw({ refit: true });
})();
