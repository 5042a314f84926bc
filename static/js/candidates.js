// A long list of candidates: typing narrows it, Enter chooses the first that is left.
(() => {
  const show = () => { for (const input of document.querySelectorAll("[data-candidate-filter]")) input.hidden = false; };
  document.addEventListener("htmx:afterSwap", show, true); // before the dialog opens and gives it the focus
  show();

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-candidate-filter]")) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const candidate of event.target.form.querySelectorAll("[data-candidate]")) {
      const text = candidate.textContent.toLowerCase();
      candidate.hidden = !candidate.querySelector(":checked") && !words.every((word) => text.includes(word));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-candidate-filter]")) return;
    event.preventDefault();
    const first = event.target.form.querySelector("[data-candidate]:not([hidden]) input:enabled");
    first?.focus();
    first?.click();
  });
})();
