// A free shape drawn over the map with mouse, pen or finger: the jobs in it are told by the event `select-jobs`.
window.selectArea = (map, button, points) => {
  const holder = map.getContainer();
  const GRIPS = ["dragging", "touchZoom", "doubleClickZoom", "boxZoom"];
  let drawing = null; // {pointer, path: [pixels], shape}

  const isOn = () => button.getAttribute("aria-pressed") === "true";
  function set(on) {
    button.setAttribute("aria-pressed", on);
    holder.classList.toggle("is-selecting", on);
    for (const grip of GRIPS) map[grip]?.[on ? "disable" : "enable"]();
    drawing?.shape.remove();
    drawing = null;
  }
  const pixel = ({ clientX, clientY }) => {
    const box = holder.getBoundingClientRect();
    return L.point(clientX - box.left, clientY - box.top);
  };
  // Even-odd rule: how many edges a ray to the left crosses.
  function isInside({ x, y }, path) {
    let inside = false;
    for (let here = 0, before = path.length - 1; here < path.length; before = here, here += 1) {
      const [a, b] = [path[here], path[before]];
      if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
    }
    return inside;
  }
  const select = (jobs) => document.body.dispatchEvent(new CustomEvent("select-jobs", { detail: { jobs } }));

  button.addEventListener("click", () => set(!isOn()));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOn()) return;
    event.preventDefault();
    set(false);
  });
  // In the capture phase, before a pin can be picked up.
  holder.addEventListener("pointerdown", (event) => {
    if (!isOn() || drawing || event.button !== 0 || event.target.closest(".leaflet-control")) return;
    event.stopPropagation();
    event.preventDefault();
    holder.setPointerCapture(event.pointerId);
    const shape = L.polygon([map.containerPointToLatLng(pixel(event))], { className: "map-area", interactive: false }).addTo(map);
    drawing = { pointer: event.pointerId, path: [pixel(event)], shape };
  }, true);
  holder.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing?.pointer) return;
    const here = pixel(event);
    if (here.distanceTo(drawing.path.at(-1)) < 3) return;
    drawing.path.push(here);
    drawing.shape.addLatLng(map.containerPointToLatLng(here));
  });
  holder.addEventListener("pointerup", (event) => {
    if (event.pointerId !== drawing?.pointer) return;
    const { path } = drawing;
    set(false);
    if (path.length < 3) return;
    select(points().filter(({ at }) => isInside(map.latLngToContainerPoint(at), path)).map(({ pk }) => pk));
    // The click that follows would open whatever is under the pointer.
    const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
    holder.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => holder.removeEventListener("click", swallow, true));
  });
  holder.addEventListener("pointercancel", () => { if (drawing) set(false); });
};
