// R goes to the route of whoever has the job that has the focus or is open, of the lane with the focus, or of the
// technician chosen on the map.
(() => {
  // data-seen says "assigned.12": the status, and who has the job.
  const holderOf = (job) => job?.dataset.seen?.split(".")[1] || job?.closest("[data-lane]")?.dataset.lane;
  const jobOf = (target) => target.closest("main [data-job]:not(#drawer *)") ?? document.querySelector("main [data-job].is-open[data-seen]")
    ?? document.querySelector("[data-select-job]:checked")?.closest("[data-job]");
  function technicianOf(target) {
    const lane = target.closest("[data-lane]")?.dataset.lane;
    return lane ?? document.querySelector("[data-technician-panel]")?.dataset.technicianPanel ?? holderOf(jobOf(target));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "r" || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (document.querySelector("dialog[open], .is-dragging, [data-key=r]")) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable], [role=menu]")) return;
    event.preventDefault();
    const technician = technicianOf(event.target);
    if (!technician) {
      const text = "Choose a job that somebody has, then R optimizes their route.";
      document.dispatchEvent(new CustomEvent("toast", { detail: { text } }));
      return;
    }
    const cell = (event.target.closest("[data-drop-day]") ?? jobOf(event.target)?.closest("[data-drop-day]"))?.dataset.dropDay;
    const day = cell ?? document.querySelector("[data-lanes]")?.dataset.day ?? new URLSearchParams(location.search).get("day");
    location.href = `/technicians/${technician}/route/${/^\d{4}-\d\d-\d\d$/.test(day) ? `?day=${day}` : ""}`;
  });
})();
