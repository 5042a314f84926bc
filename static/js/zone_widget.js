// The boundary of a zone as polygons on a map. The text beside it is what is saved: each follows the other.
"use strict";

(() => {
  const EVERYWHERE = { centre: [30, 0], zoom: 2 };

  const setUp = (root) => {
    const text = root.querySelector("textarea");
    const status = root.querySelector("[data-zone-status]");
    const others = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const colourInput = root.closest("form")?.querySelector('input[type="color"]');
    const colour = () => colourInput?.value || text.dataset.colour || "#2457d6";
    const style = () => ({ color: colour(), weight: 2, fillOpacity: 0.18 });

    const map = L.map(root.querySelector("[data-zone-map]"), { maxZoom: 19, attributionControl: Boolean(root.dataset.tiles) });
    map.setView(EVERYWHERE.centre, EVERYWHERE.zoom);
    map.attributionControl?.setPrefix(false);
    if (root.dataset.tiles) {
      L.tileLayer(root.dataset.tiles, { maxZoom: 19, attribution: root.dataset.attribution }).addTo(map);
    }
    const neighbours = L.featureGroup(others.map(neighbour)).addTo(map);
    const areas = L.featureGroup().addTo(map);

    const say = (message, isError = false) => {
      status.textContent = message;
      status.classList.toggle("is-error", isError);
    };
    const describe = () => {
      const polygons = areas.getLayers();
      const holes = polygons.reduce((count, polygon) => count + polygon.getLatLngs().length - 1, 0);
      const parts = [count(polygons.length, "area"), ...(holes ? [count(holes, "hole")] : [])];
      say(polygons.length ? parts.join(", ") : text.readOnly ? "" : "Draw an area, paste GeoJSON or choose a file.");
    };
    const show = () => {
      try {
        const polygons = polygonsIn(text.value);
        areas.clearLayers();
        polygons.forEach((rings) => areas.addLayer(L.polygon(rings, style())));
        describe();
        return true;
      } catch (error) {
        say(`Not shown on the map: ${error.message}`, true);
        return false;
      }
    };
    const write = () => {
      text.value = geojsonOf(areas.getLayers());
      describe();
    };
    const fit = () => {
      const bounds = areas.getLayers().length ? areas.getBounds() : neighbours.getBounds();
      if (bounds.isValid()) map.fitBounds(bounds, { padding: [24, 24], maxZoom: 15, animate: false });
    };

    show();
    fit();
    new ResizeObserver(() => map.invalidateSize()).observe(map.getContainer());
    colourInput?.addEventListener("input", () => areas.setStyle(style()));
    if (text.readOnly) return;

    addTools(map, areas, { style, write, say });
    let waiting;
    text.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => show() && fit(), 300);
    });
    readFiles(root.querySelector("[data-zone-file]"), (content) => {
      text.value = content;
      if (show()) fit();
    });
  };

  const addTools = (map, areas, { style, write, say }) => {
    const shape = { shapeOptions: style(), showArea: false };
    map.addControl(new L.Control.Draw({
      draw: {
        polygon: { ...shape, allowIntersection: false },
        rectangle: shape,
        polyline: false, circle: false, circlemarker: false, marker: false,
      },
      edit: {
        featureGroup: areas,
        poly: { allowIntersection: false },
        selectedPathOptions: { maintainColor: true, dashArray: "8 6" },
      },
    }));
    let drawing = false;
    map.on(L.Draw.Event.DRAWSTART, () => { drawing = true; });
    map.on(L.Draw.Event.DRAWSTOP, () => { drawing = false; });
    map.on(L.Draw.Event.CREATED, ({ layer }) => {
      areas.addLayer(L.polygon(layer.getLatLngs(), style()));
      write();
    });
    // Written while corners move, so that saving the form without ending the edit loses nothing; a cancelled edit
    // puts the corners back before it says that it has stopped.
    const { EDITVERTEX, EDITMOVE, EDITRESIZE, EDITED, EDITSTOP, DELETED, DELETESTOP } = L.Draw.Event;
    map.on([EDITVERTEX, EDITMOVE, EDITRESIZE, EDITED, EDITSTOP, DELETED, DELETESTOP].join(" "), () => setTimeout(write));
    map.getContainer().closest("form")?.addEventListener("submit", (event) => {
      if (!drawing) return;
      event.preventDefault();
      say("Finish the area that you are drawing (click its first corner) or cancel it, then save.", true);
      map.getContainer().scrollIntoView({ block: "center" });
    });
  };

  // Leaflet.draw gives handles to the outer ring only, by names that Leaflet has since changed: give them to holes too.
  const ringsOfPolygon = (polygon) => (L.LineUtil.isFlat(polygon._latlngs) ? [polygon._latlngs] : polygon._latlngs);
  L.Polyline._flat = L.LineUtil.isFlat;
  L.Edit.Poly.include({
    initialize(polygon) {
      this._poly = polygon;
      this.latlngs = ringsOfPolygon(polygon);
      polygon.on("revert-edited", this._updateLatLngs, this);
    },
    _updateLatLngs() {
      this.latlngs = ringsOfPolygon(this._poly);
    },
  });

  const readFiles = (input, use) => {
    input.addEventListener("change", async () => {
      if (!input.files.length) return;
      use(await input.files[0].text());
      input.value = ""; // the text is what is sent: it may still be changed on the map
    });
  };

  const neighbour = ({ name, colour, boundary }) =>
    L.geoJSON(boundary, {
      interactive: false,
      style: { color: colour, weight: 1, dashArray: "4 4", fillOpacity: 0.05, opacity: 0.7 },
    }).bindTooltip(name, { permanent: true, direction: "center", className: "zone-widget-name" });

  /** The polygons of any GeoJSON, each as Leaflet's rings: the outer one, then the holes. */
  const polygonsIn = (source) => {
    if (!source.trim()) return [];
    const collect = (data) => {
      switch (data?.type) {
        case "FeatureCollection": return data.features.flatMap(collect);
        case "Feature": return collect(data.geometry);
        case "Polygon": return [ringsOf(data.coordinates)];
        case "MultiPolygon": return data.coordinates.map(ringsOf);
        default: throw new Error("a Polygon or MultiPolygon is expected.");
      }
    };
    let data;
    try {
      data = JSON.parse(source);
    } catch {
      throw new Error("this is not JSON.");
    }
    return collect(data);
  };

  const ringsOf = (coordinates) => L.GeoJSON.coordsToLatLngs(coordinates, 1).map((ring) => {
    if (ring.some(({ lat, lng }) => !Number.isFinite(lat) || !Number.isFinite(lng))) {
      throw new Error("the coordinates are not all numbers.");
    }
    return ring;
  });

  const geojsonOf = (polygons) => {
    if (!polygons.length) return "";
    const parts = polygons.map((polygon) => polygon.toGeoJSON(6).geometry.coordinates);
    const one = parts.length === 1;
    return JSON.stringify({ type: one ? "Polygon" : "MultiPolygon", coordinates: one ? parts[0] : parts });
  };

  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-zone-widget]").forEach(setUp));
})();
