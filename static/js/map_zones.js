// Zones shaded by how well they are covered: the outlines come once, the figures with every answer.
window.MapZones = class {
  constructor(map, url) {
    Object.assign(this, { url, layer: L.layerGroup().addTo(map), shapes: new Map(), figures: [] });
  }
  async set(figures) {
    this.figures = figures;
    this.drawing ??= this.draw();
    await this.drawing;
    for (const zone of this.figures) {
      const shape = this.shapes.get(zone.pk);
      if (!shape) continue;
      shape.coverage = zone.coverage;
      shape.outline.eachLayer((part) => this.paint(part, zone.coverage));
      MapRows.write(shape.told, `${shape.name}: ${zone.coverage}, ${zone.open} open, ${zone.on_duty} on duty`);
    }
  }
  async draw() {
    const outlines = await fetch(this.url).then((response) => response.json());
    for (const feature of outlines.features) {
      const { pk, name } = feature.properties;
      if (!this.figures.some((zone) => zone.pk === pk)) continue;
      const told = MapRows.element("span");
      const shape = { name, told, coverage: "", outline: L.geoJSON(feature, { style: { className: "map-zone", weight: 1.5 } }) };
      // A layer that is switched off and on again is drawn anew.
      shape.outline.on("add", () => shape.outline.eachLayer((part) => this.paint(part, shape.coverage)));
      shape.outline.bindTooltip(told, { sticky: true }).addTo(this.layer);
      shape.outline.eachLayer((part) => part.bringToBack());
      this.shapes.set(pk, shape);
    }
  }
  paint(part, coverage) {
    const path = part.getElement?.();
    if (path) path.dataset.coverage = coverage;
  }
};
