// The places to choose from, of the address that has the pointer or the focus, on a map.
(() => {
  const holder = document.getElementById("place-map");
  if (!holder) return;
  const { tiles, attribution, zones } = holder.dataset;
  const map = L.map(holder, { maxZoom: 19, center: [20, 0], zoom: 2, attributionControl: Boolean(attribution) });
  if (tiles) L.tileLayer(tiles, { attribution, maxZoom: 19 }).addTo(map);
  const pins = L.layerGroup().addTo(map);
  let shown = null;

  function show(place) {
    if (!place || place === shown) return;
    shown?.classList.remove("is-shown");
    shown = place;
    place.classList.add("is-shown");
    pins.clearLayers();
    const options = [...place.querySelectorAll("[data-at]")];
    for (const option of options) {
      const icon = L.divIcon({ className: "place-pin", html: option.dataset.letter, iconSize: [28, 28] });
      const pin = L.marker(JSON.parse(option.dataset.at), { icon, keyboard: false, alt: option.dataset.letter }).addTo(pins);
      pin.on("click", () => option.querySelector("button").focus());
    }
    if (options.length) map.fitBounds(L.latLngBounds(options.map((option) => JSON.parse(option.dataset.at))).pad(0.3), { maxZoom: 14, animate: false });
  }
  const list = document.querySelector(".place-list");
  for (const kind of ["pointerover", "focusin"]) {
    list.addEventListener(kind, (event) => show(event.target.closest("[data-place]")));
  }
  fetch(zones)
    .then((response) => response.json())
    .then((shapes) => {
      const layer = L.geoJSON(shapes, { interactive: false, style: (zone) => ({ color: zone.properties.colour, weight: 1.5, fillOpacity: 0.06 }) }).addTo(map);
      layer.bringToBack();
      if (!pins.getLayers().length && layer.getBounds().isValid()) map.fitBounds(layer.getBounds());
    });
  show([...list.querySelectorAll("[data-place]")].find((place) => place.querySelector("[data-at]")));
  new ResizeObserver(() => map.invalidateSize()).observe(holder);
})();
