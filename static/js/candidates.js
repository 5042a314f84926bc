// A list of candidates: typing narrows it, Enter takes whoever is chosen or else the first that is left; sorting.
(() => {
  const show = () => {
    for (const tool of document.querySelectorAll("[data-candidate-filter], [data-candidate-sort]")) tool.hidden = false;
  };
  document.addEventListener("htmx:afterSwap", show, true); // before the dialog opens and gives it the focus
  show();

  const shown = (form) => form.querySelector("[data-candidate]:not([hidden]) input:enabled:not([type=hidden])");

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-candidate-filter]")) return;
    const { form } = event.target;
    const chooses = form.querySelector("[data-preselects]");
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const candidate of form.querySelectorAll("[data-candidate]")) {
      const text = candidate.textContent.toLowerCase();
      const isKept = !chooses && candidate.querySelector(":checked");
      candidate.hidden = !isKept && !words.every((word) => text.includes(word));
    }
    if (!chooses) return;
    const first = shown(form);
    if (first) first.checked = true; // so that Enter assigns whoever is on top
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-candidate-filter]")) return;
    event.preventDefault();
    const { form } = event.target;
    const first = shown(form);
    if (!first) return;
    if (form.querySelector("[data-preselects] [data-candidate]:not([hidden]) :checked")) return form.requestSubmit();
    first.focus();
    first.click();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-candidate-sort] [data-sort-by]");
    if (!button) return;
    const list = button.form?.querySelector("[data-preselects]") ?? document.querySelector("[data-preselects]");
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", other === button);
    const value = (row) => (row.dataset[button.dataset.sortBy] === "" ? Infinity : Number(row.dataset[button.dataset.sortBy]));
    const isDoubtful = (row) => row.classList.contains("doubtful");
    const rows = [...list.querySelectorAll("[data-candidate]")];
    // Nobody whom something speaks against comes before the others, however near.
    rows.sort((a, b) => isDoubtful(a) - isDoubtful(b) || value(a) - value(b) || a.dataset.rank - b.dataset.rank);
    list.append(...rows);
  });
})();
