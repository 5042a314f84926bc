// A day's track as a line, with a dot where somebody stayed; the list beside it shows the place.
(() => {
  const holder = document.getElementById("track-map");
  if (!holder) return;
  const { tiles, attribution, points, zones } = holder.dataset;
  const line = JSON.parse(points);
  const map = L.map(holder, { maxZoom: 19, attributionControl: Boolean(attribution) });
  if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 19 }).addTo(map);
  map.fitBounds(L.latLngBounds(line).pad(0.15), { maxZoom: 16, animate: false });
  L.polyline(line, { className: "track-line", weight: 4, interactive: false }).addTo(map);

  const dot = (at, className, radius) => L.circleMarker(at, { className, radius, weight: 2, interactive: false }).addTo(map);
  dot(line[0], "track-end", 5);
  dot(line.at(-1), "track-end track-last", 8);
  for (const leg of document.querySelectorAll(".leg[data-at]")) {
    const at = JSON.parse(leg.dataset.at);
    const stay = dot(at, "track-stay", 7);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button small leg-show", textContent: "Show" });
    button.setAttribute("aria-label", `Show on the map: ${leg.querySelector(".leg-what").textContent.trim().replace(/\s+/g, " ")}`);
    button.addEventListener("click", () => {
      map.setView(at, Math.max(map.getZoom(), 15));
      document.querySelector(".track-stay.is-chosen")?.classList.remove("is-chosen");
      stay.getElement().classList.add("is-chosen");
    });
    leg.append(button);
  }
  if (!("noZones" in holder.dataset)) {
    fetch(zones).then((response) => response.json()).then((shapes) => {
      L.geoJSON(shapes, { interactive: false, style: (zone) => ({ color: zone.properties.colour, weight: 1, fillOpacity: 0.05 }) }).addTo(map).bringToBack();
    });
  }
  new ResizeObserver(() => map.invalidateSize()).observe(holder);
})();
