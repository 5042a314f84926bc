// A button with data-check-all chooses all boxes of the list that it names, or none when all were chosen.
document.addEventListener("click", (event) => {
  const list = event.target.closest("[data-check-all]")?.dataset.checkAll;
  if (!list) return;
  const boxes = [...document.querySelectorAll(`${list} input[type=checkbox]`)];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = !all;
});
