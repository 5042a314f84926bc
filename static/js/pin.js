// A pin on a map for a pair of coordinate inputs. Without tiles the zones' outlines are the map.
(() => {
  for (const root of document.querySelectorAll("[data-pin]")) {
    const holder = root.querySelector("[data-pin-map]");
    const latitude = root.querySelector("[name$=latitude]");
    const longitude = root.querySelector("[name$=longitude]");
    const map = L.map(holder, { maxZoom: 19, center: [20, 0], zoom: 2, attributionControl: Boolean(holder.dataset.attribution) });
    if (holder.dataset.tiles) L.tileLayer(holder.dataset.tiles, { attribution: holder.dataset.attribution, maxZoom: 19 }).addTo(map);
    let marker = null;

    function point() {
      const at = [Number.parseFloat(latitude.value), Number.parseFloat(longitude.value)];
      return at.every(Number.isFinite) && Math.abs(at[0]) <= 90 && Math.abs(at[1]) <= 180 ? at : null;
    }
    function draw() {
      const at = point();
      if (!at) {
        marker?.remove();
        marker = null;
      } else if (marker) marker.setLatLng(at);
      else {
        const icon = L.divIcon({ className: "pin-icon", iconSize: [22, 22], iconAnchor: [11, 21] });
        marker = L.marker(at, { icon, draggable: true, keyboard: false, alt: "Pin" }).addTo(map);
        marker.on("dragend", () => set(marker.getLatLng()));
      }
      document.body.dispatchEvent(new CustomEvent("pin-moved"));
    }
    function set(at) {
      latitude.value = at.lat.toFixed(6);
      longitude.value = at.wrap().lng.toFixed(6);
      draw();
    }
    map.on("click", (event) => set(event.latlng));
    for (const input of [latitude, longitude]) {
      input.addEventListener("change", () => {
        draw();
        if (point()) map.setView(point(), Math.max(map.getZoom(), 13));
      });
    }
    draw();
    if (point()) map.setView(point(), 14);
    fetch(holder.dataset.zones)
      .then((response) => response.json())
      .then((zones) => {
        const layer = L.geoJSON(zones, {
          interactive: false,
          style: (zone) => ({ color: zone.properties.colour, weight: 1.5, fillOpacity: 0.08 }),
          onEachFeature: (zone, shape) => shape.bindTooltip(zone.properties.name, { permanent: true, direction: "center", className: "zone-name" }),
        }).addTo(map);
        if (!point() && layer.getBounds().isValid()) map.fitBounds(layer.getBounds());
      });
    // A map made while hidden or resized does not know its size.
    new ResizeObserver(() => map.invalidateSize()).observe(holder);
  }
})();
