// Asking for a plan: the slider says what it means and follows the preset, the sum follows the ticks.
(() => {
  const forms = () => document.querySelectorAll("[data-plan-day]");

  function explain(slider) {
    const range = slider.querySelector("input[type=range]");
    const stability = Number(range.value);
    const kind = stability === 0 ? "none" : stability === 100 ? "all" : "some";
    slider.querySelector("[data-stability-value]").textContent = stability;
    for (const text of slider.querySelectorAll("[data-means]")) text.hidden = text.dataset.means !== kind;
    const minutes = slider.dataset.minutes.split(",")[stability];
    if (minutes) slider.querySelector("[data-means-minutes]").textContent = `${minutes} min`;
    range.setAttribute("aria-valuetext", `${stability} of 100`);
  }

  function add(form) {
    const sum = form.querySelector("[data-plan-sum]");
    if (!sum) return;
    const ticked = [...form.querySelectorAll("[name=technician]:checked")];
    const numbers = { technicians: ticked.length, jobs: ticked.reduce((all, box) => all + Number(box.dataset.jobs), 0) };
    for (const [name, number] of Object.entries(numbers)) {
      sum.querySelector(`[data-sum="${name}"]`).textContent = number;
      sum.querySelector(`[data-plural="${name}"]`).hidden = number === 1;
    }
    form.querySelector("[type=submit].primary").disabled = !ticked.length;
  }

  function begin() {
    for (const form of forms()) {
      explain(form.querySelector("[data-stability-slider]"));
      for (const tools of form.querySelectorAll("[data-who-tools]")) tools.hidden = false;
      add(form);
    }
  }
  document.addEventListener("htmx:afterSettle", begin);
  begin();

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-plan-day]");
    if (!form) return;
    if (event.target.name === "stability") explain(event.target.closest("[data-stability-slider]"));
    if (event.target.name === "preset") {
      const range = form.querySelector("[name=stability]");
      range.value = event.target.dataset.stability;
      form.querySelector("[name=stability_of]").value = event.target.value;
      explain(range.closest("[data-stability-slider]"));
    }
    if (event.target.name === "technician") add(form);
    if (event.target.matches("[data-who-filter]")) {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const person of form.querySelectorAll("[data-person]")) {
        person.hidden = !words.every((word) => person.textContent.toLowerCase().includes(word));
      }
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-who-filter]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tick]");
    const form = button?.closest("[data-plan-day]");
    if (!form) return;
    for (const box of form.querySelectorAll("[data-person]:not([hidden]) [name=technician]:enabled")) box.checked = button.dataset.tick === "all";
    add(form);
  });
})();
