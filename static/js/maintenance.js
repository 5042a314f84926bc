// The form of a maintenance plan: Enter in the search for a place, which finds as one types, does not save the plan.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest?.("[data-place-search]")) event.preventDefault();
  });
})();
