// The form of a maintenance plan: Enter in the search for a place, which finds as one types, does not save the plan;
// “All but these” ticks the months that were not, for a plan that leaves out a few.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest?.("[data-place-search]")) event.preventDefault();
  });

  for (const button of document.querySelectorAll("[data-swap-choices]")) {
    const boxes = button.parentElement.querySelectorAll("[type=checkbox]");
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const box of boxes) box.checked = !box.checked;
      boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
})();
