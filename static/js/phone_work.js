// Checklist, materials and running late on the phone: shown as tapped, until the page knows of the taps itself.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const COMES_LATER = ["assigned", "en_route"];
  let taps = [];
  let jobs = new Map();

  const ofJob = (kind, job) => taps.filter((tap) => tap.kind === kind && String(tap.job) === String(job));
  const stateOf = (tap) => (tap.state === "waiting" ? "waiting to be sent" : "sent");

  // Checklist --------------------------------------------------------------------------------------

  function jobOf(row) {
    const form = row.querySelector("form");
    const list = row.closest("[data-required-of]");
    return form ? form.dataset.job : list && list.dataset.requiredOf;
  }

  function isDone(row) {
    const said = ofJob("check", jobOf(row)).filter((tap) => String(tap.content.item) === row.dataset.check).pop();
    return said ? said.content.is_done : row.dataset.done === "yes";
  }

  function showChecks() {
    for (const row of root.querySelectorAll("[data-check]")) {
      const button = row.querySelector(".check-button[aria-pressed]");
      if (!button) continue;
      const done = isDone(row);
      button.setAttribute("aria-pressed", done);
      row.querySelector("[name=is_done]").value = !done;
    }
    const notice = root.querySelector("[data-checks-open]");
    if (notice && !notice.hidden && openChecks(notice).length === 0) notice.hidden = true;
  }

  function openChecks(notice) {
    const list = notice.parentElement.querySelector("ul");
    return [...list.querySelectorAll("[data-required]")].filter((row) => !isDone(row)).map((row) => row.querySelector("[data-check-text]").textContent);
  }

  // Before the outbox takes the tap: the server would refuse it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const to = form.dataset.tap === "step" && form.querySelector("[name=to]");
    const notice = root.querySelector("[data-checks-open]");
    if (!to || to.value !== "completed" || !notice) return;
    const open = openChecks(notice);
    if (open.length === 0) return;
    event.preventDefault();
    notice.textContent = `Check first: ${open.join("; ")}. `;
    if (notice.dataset.href) {
      const link = document.createElement("a");
      link.href = notice.dataset.href;
      link.className = "inline-link";
      link.textContent = "Open the checklist";
      notice.append(link);
    }
    notice.hidden = false;
    notice.focus();
    notice.scrollIntoView({ block: "center" });
  }, true);

  // Materials --------------------------------------------------------------------------------------

  function showUses() {
    const waiting = root.querySelector("[data-waiting-uses]");
    const list = root.querySelector("[data-uses]");
    if (!waiting) return;
    const own = ofJob("material", list.dataset.job);
    const back = own.map((tap) => tap.content.withdraws).filter(Boolean);
    for (const row of list.querySelectorAll("[data-use]")) row.hidden = back.includes(row.dataset.use);
    const used = own.filter((tap) => !tap.content.withdraws);
    waiting.hidden = used.length === 0;
    waiting.textContent = "";
    for (const tap of used) {
      const row = document.createElement("li");
      const text = document.createElement("span");
      const name = document.createElement("b");
      const state = document.createElement("small");
      name.textContent = [tap.content.quantity, tap.content.unit, tap.content.name].filter(Boolean).join(" ");
      state.textContent = stateOf(tap);
      text.append(name, state);
      row.append(text);
      waiting.append(row);
    }
  }

  // What is in the list has its unit.
  document.addEventListener("input", (event) => {
    if (event.target.id !== "use-name") return;
    const wanted = event.target.value.trim().toLowerCase();
    const known = [...document.querySelectorAll("#material-names option")].find((option) => option.value.toLowerCase() === wanted);
    const unit = root.querySelector("[data-unit][name=unit]");
    if (known) unit.value = known.dataset.unit;
  });

  // Running late -----------------------------------------------------------------------------------

  function showLate() {
    const section = root.querySelector("[data-late-for]");
    if (!section) return;
    const job = jobs.get(section.dataset.lateFor);
    section.hidden = Boolean(job) && !COMES_LATER.includes(job.status);
    const said = ofJob("late", section.dataset.lateFor).pop();
    const text = section.querySelector("[data-late-said]");
    if (!("told" in text.dataset)) text.dataset.told = text.textContent; // as the server knows it
    text.textContent = said ? `You said: ${said.content.minutes} min late, ${stateOf(said)}.` : text.dataset.told;
    text.hidden = !text.textContent;
  }

  document.addEventListener("day-shown", (event) => {
    ({ jobs, taps } = event.detail);
    showChecks();
    showUses();
    showLate();
  });
})();
