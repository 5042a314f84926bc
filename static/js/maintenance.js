// The form of a maintenance plan: Enter in the search for a place looks for it, and does not save the plan.
(() => {
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("[data-place-search]");
    if (!field || event.key !== "Enter") return;
    event.preventDefault();
    htmx.ajax("GET", field.getAttribute("hx-get"), {
      values: { q: field.value },
      target: "#found-sites",
      swap: "innerHTML",
    });
  });
})();
