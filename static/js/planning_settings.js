// Settings > Route planning: the number beside the slider and the bars above the speeds follow what is typed.
(() => {
  const form = document.querySelector("[data-planning-settings]");
  const speeds = form.querySelector("[data-speeds]");
  const MOST = 150; // per cent: a full bar

  const value = form.querySelector("[data-range-value]");
  const range = form.querySelector("input[type=range]");
  range.addEventListener("input", () => { value.textContent = range.value; });

  const fields = [...speeds.querySelectorAll("input[type=number]")];
  function draw(field) {
    const bar = field.parentElement.querySelector("i");
    bar.style.height = `${Math.min(100, Math.max(0, (Number(field.value) / MOST) * 100))}%`;
  }
  fields.forEach(draw);
  speeds.addEventListener("input", (event) => draw(event.target));

  // "7:75 8:65": the hours that are not as fast as the average.
  for (const button of speeds.querySelectorAll("[data-speed-pattern]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const pattern = new Map(button.dataset.speedPattern.split(" ").filter(Boolean).map((part) => part.split(":")));
      fields.forEach((field, hour) => {
        field.value = pattern.get(String(hour)) ?? 100;
        draw(field);
      });
    });
  }
})();
