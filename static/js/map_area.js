// A rectangle drawn over the map: the jobs in it are told by the event `select-jobs`.
window.selectArea = (map, button, points) => {
  let from = null;
  let shape = null;
  const holder = map.getContainer();
  const set = (on) => {
    button.setAttribute("aria-pressed", on);
    holder.classList.toggle("is-selecting", on);
    map.dragging[on ? "disable" : "enable"]();
    shape?.remove();
    shape = from = null;
  };
  const isOn = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("click", () => set(!isOn()));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && isOn()) set(false); });
  map.on("mousedown", ({ latlng }) => {
    if (!isOn()) return;
    from = latlng;
    shape = L.rectangle([from, from], { className: "map-area", interactive: false }).addTo(map);
  });
  map.on("mousemove", ({ latlng }) => { if (from) shape.setBounds([from, latlng]); });
  document.addEventListener("mouseup", () => {
    if (!from) return;
    const bounds = shape.getBounds();
    const jobs = points().filter((point) => bounds.contains(point.at)).map((point) => point.pk);
    set(false);
    document.body.dispatchEvent(new CustomEvent("select-jobs", { detail: { jobs } }));
  });
};
