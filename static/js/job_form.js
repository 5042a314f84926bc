// New Job: the type fills in duration and skills; a known address hides the fields of a new one.
(() => {
  const form = document.getElementById("job-form");
  document.addEventListener("htmx:afterSwap", () => {
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
  form.addEventListener("change", sites);
  sites();
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
})();
