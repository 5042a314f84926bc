// The list's columns: a click in the menu shows or hides one at once; htmx tells the server.
(() => {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-columns]");
    if (!form) return;
    const hidden = [...form.querySelectorAll("[name=shown]:not(:checked)")].map((box) => box.value);
    document.body.dataset.hiddenColumns = hidden.join(" ");
  });
})();
