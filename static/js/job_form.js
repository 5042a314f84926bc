// New Job: the type fills in duration and skills; a known address hides the fields of a new one.
(() => {
  const form = document.getElementById("job-form");
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "job-candidates") return mark();
    form.dispatchEvent(new Event("entry-changed")); // the type has brought its skills, the customer their addresses
    const minutes = document.getElementById("skills")?.dataset.duration;
    if (minutes) form.elements.duration_minutes.value = minutes;
    sites();
  });
  function sites() {
    const chosen = form.querySelector("[name=site]:checked");
    const section = form.querySelector("[data-site-fields]");
    section.hidden = Boolean(chosen?.value);
    // A hidden field that is required would keep the form from being sent.
    for (const field of section.querySelectorAll("input, textarea")) field.disabled = section.hidden;
  }
  // Who is chosen from the best matches is chosen in the field, which offers everybody.
  const technician = form.elements.technician;
  function mark() {
    for (const button of form.querySelectorAll("[data-choose-technician]")) {
      const isChosen = button.dataset.chooseTechnician === technician.value;
      button.setAttribute("aria-pressed", isChosen);
      if (isChosen && form.elements.proposed_start.value) form.elements.proposed_start.value = button.dataset.start;
    }
  }
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose-technician]");
    if (!button) return;
    const isChosen = button.getAttribute("aria-pressed") === "true";
    technician.value = isChosen ? "" : button.dataset.chooseTechnician;
    form.elements.proposed_start.value = isChosen ? "" : button.dataset.start;
    mark();
  });
  technician.addEventListener("change", (event) => {
    event.stopPropagation(); // the matches stay as they are
    form.elements.proposed_start.value = "";
    mark();
  });
  form.addEventListener("change", sites);
  sites();
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
})();
