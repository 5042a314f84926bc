// Points as pins or, where they crowd, as clusters: by pixel cell, only what is in sight. Drawn elements are kept by key.
window.MapClusters = class {
  constructor(map, { cell = 46, pin, cluster }) {
    Object.assign(this, { map, cell, pin, cluster, points: [], drawn: new Map(), layer: L.layerGroup().addTo(map) });
    map.on("moveend zoomend", () => this.draw());
  }
  set(points) {
    this.points = points;
    this.draw();
  }
  draw() {
    const zoom = this.map.getZoom();
    const bounds = this.map.getBounds().pad(0.15);
    const alone = zoom >= this.map.getMaxZoom() - 2;
    const cells = new Map();
    for (const point of this.points) {
      if (!bounds.contains(point.at)) continue;
      const { x, y } = this.map.project(point.at, zoom);
      const key = alone ? `j${point.pk}` : `${zoom}:${Math.floor(x / this.cell)}:${Math.floor(y / this.cell)}`;
      if (cells.has(key)) cells.get(key).push(point);
      else cells.set(key, [point]);
    }
    const wanted = new Map();
    for (const [key, points] of cells) {
      if (points.length === 1) wanted.set(`j${points[0].pk}`, { state: `${points[0].state}`, make: () => this.pin(points[0], this.spread(points[0], alone)) });
      else wanted.set(key, { state: points.map((point) => point.pk + point.state).join(), make: () => this.cluster(points) });
    }
    for (const [key, { marker, state }] of this.drawn) {
      if (wanted.get(key)?.state === state) continue;
      if (marker.getElement()?.contains(document.activeElement)) this.focused = key;
      marker.remove();
      this.drawn.delete(key);
    }
    for (const [key, { state, make }] of wanted) {
      if (this.drawn.has(key)) continue;
      const marker = make().addTo(this.layer);
      this.drawn.set(key, { marker, state });
      if (this.focused === key) marker.getElement().focus();
    }
    this.focused = null;
  }
  // Jobs at one address stand side by side once nothing is clustered.
  spread(point, alone) {
    const same = alone ? this.points.filter((other) => other.at[0] === point.at[0] && other.at[1] === point.at[1]) : [];
    return same.length > 1 ? 30 * (same.indexOf(point) - (same.length - 1) / 2) : 0;
  }
};
