// What every view of the board has: the drawer, the filter menus, the keys.
//
// Whatever shows a job has data-job; where it opens the job's drawer it holds a link .job-link.
(() => {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-drawer]")) closeDrawer();
  });

  function closeDrawer() {
    const drawer = document.getElementById("drawer");
    const id = drawer?.firstElementChild?.dataset.job;
    drawer?.replaceChildren();
    document.querySelector(`main [data-job="${id}"]`)?.querySelector(".job-link")?.focus();
    mark();
  }
  function mark() {
    const open = document.getElementById("drawer")?.firstElementChild?.dataset.job;
    for (const job of document.querySelectorAll("main [data-job]")) job.classList.toggle("is-open", job.dataset.job === open);
  }
  document.addEventListener("htmx:afterSettle", mark);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "drawer") event.detail.target.firstElementChild?.focus();
  });
  document.body.addEventListener("live-jobs", (event) => {
    for (const id of event.detail.jobs) document.body.dispatchEvent(new CustomEvent(`job-changed-${id}`));
  });

  // A filter menu that closes with something changed applies it.
  const form = document.getElementById("filters");
  let changed = false;
  form?.addEventListener("change", (event) => { if (event.target.type !== "search") changed = true; });
  for (const menu of document.querySelectorAll("details.filter")) {
    menu.addEventListener("toggle", () => { if (!menu.open && changed) form.requestSubmit(); });
  }
  // Empty fields stay out of the URL.
  form?.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });

  // Ctrl+Z takes back one's own last board action; in a field it is the browser's own.
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "Z", "y"].includes(event.key)) return;
    if (event.target.closest("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const isRedo = event.key === "y" || event.shiftKey;
    const button = document.querySelector(isRedo ? "[data-redo]" : "[data-undo]");
    if (!button) return;
    event.preventDefault();
    button.click();
  });

  // Escape in a note that has begun must not throw it away.
  const isAtDrawer = (target) => (target === document.body || target.closest("#drawer")) && !target.value;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey && event.key.startsWith("Arrow")) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && isAtDrawer(event.target)) return closeDrawer();
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    // In a menu, or in what scrolls by itself, the arrows are not about days.
    if (event.key.startsWith("Arrow") && event.target.closest("[tabindex], details[open]")) return;
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (!target.checkVisibility()) target.closest("[popover]")?.showPopover(); // the search, on a narrow screen
    if (target.matches("input")) target.focus();
    else target.click();
  });
})();
