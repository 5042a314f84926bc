// Close-out: print the page, choose all jobs of a list.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
  const list = event.target.closest("[data-check-all]")?.dataset.checkAll;
  if (!list) return;
  const boxes = [...document.querySelectorAll(`${list} input[type=checkbox]`)];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = !all;
});
