// A day's plan: ticks and what hangs together, the map of the technician that is open, keys, printing all of it.
(() => {
  const form = () => document.querySelector("[data-plan-form]");
  const ticks = () => [...(form()?.querySelectorAll("[name=technician]") ?? [])];
  const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  function count() {
    const boxes = ticks();
    const button = form()?.querySelector("[data-apply]");
    if (!button || !boxes.length) return;
    const ticked = boxes.filter((box) => box.checked);
    button.disabled = !ticked.length;
    button.textContent = ticked.length === boxes.length && boxes.length > 1 ? `Apply all ${boxes.length}` : `Apply ${plural(ticked.length, "route")}`;
    form().querySelector("[data-chosen]").textContent = boxes.length > 1 ? `${ticked.length} of ${plural(boxes.length, "technician")} ticked` : "";
    hint(boxes, new Set(ticked.map((box) => box.value)));
  }

  // Who gives a job away and is applied without the one who takes it would leave it with nobody: the server refuses
  // that, and here it is said before.
  function hint(boxes, ticked) {
    const names = new Map(boxes.map((box) => [box.value, box.dataset.name]));
    const missing = boxes.filter((box) => box.checked).flatMap((box) => takersOf(box).filter((pk) => names.has(pk) && !ticked.has(pk)).map((pk) => [box.dataset.name, names.get(pk)]));
    const said = form().querySelector("[data-hint]");
    said.hidden = !missing.length;
    const [giver, taker] = missing[0] ?? [];
    said.querySelector("[data-hint-text]").textContent = `${giver} gives a job to ${taker}: tick both or neither${missing.length > 1 ? `, and ${missing.length - 1} more such` : ""}.`;
  }
  const takersOf = (box) => box.dataset.with.split(" ").filter(Boolean);
  function tickPartners() {
    const boxes = new Map(ticks().map((box) => [box.value, box]));
    const waiting = [...boxes.values()].filter((box) => box.checked);
    while (waiting.length) {
      for (const pk of takersOf(waiting.pop())) {
        const box = boxes.get(pk);
        if (!box || box.checked) continue;
        box.checked = true;
        waiting.push(box);
      }
    }
    count();
  }

  function begin() {
    for (const tool of document.querySelectorAll("[data-tick-tools], [data-open-all]")) tool.hidden = false;
    count();
  }
  document.addEventListener("htmx:afterSettle", begin);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "plan") document.querySelector("[data-said]")?.focus({ preventScroll: true });
  });
  begin();
  document.addEventListener("change", (event) => { if (event.target.name === "technician") count(); });

  document.addEventListener("click", (event) => {
    const all = event.target.closest("[data-tick-all]");
    if (all) {
      for (const box of ticks()) box.checked = all.dataset.tickAll === "all";
      count();
    }
    if (event.target.closest("[data-tick-partners]")) tickPartners();
    const opener = event.target.closest("[data-open-all]");
    if (opener) openAll(document.querySelectorAll("[data-plan-person]"), opener);
    // A pin of the map shows its stop in the list: open whatever it is in.
    const pin = event.target.closest("[data-pin]");
    for (let node = pin && document.querySelector(`[data-stop="${pin.dataset.pin}"]`); node; node = node.parentElement) {
      if (node.matches("details")) node.open = true;
    }
  }, true);
  function openAll(people, opener) {
    const willOpen = ![...people].every((person) => person.open);
    for (const person of people) person.open = willOpen;
    opener.textContent = willOpen ? "Close all" : "Open all";
  }

  // The one technician that is open stands out on the map.
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("[data-plan-person]")) return;
    const open = document.querySelectorAll("[data-plan-person][open]");
    const technician = open.length === 1 ? Number(open[0].dataset.planPerson) : null;
    document.body.dispatchEvent(new CustomEvent("plan-route-chosen", { detail: { technician } }));
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      form()?.querySelector("[data-apply]:enabled")?.click();
    }
    if (event.key !== "Escape" || document.querySelector("dialog[open], #drawer > *")) return;
    const open = event.target.closest("details[data-plan-person][open], .plan-group[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const said = event.target.closest?.("[data-said]");
    if (!said || !event.target.matches("[data-undo]") || event.detail.xhr.status !== 204) return;
    said.querySelector("[data-said-text]").textContent = "Taken back: the day is as it was before.";
    event.target.remove();
    said.focus({ preventScroll: true });
  });

  // On paper everything is open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("main details:not([open])")];
    for (const part of closed) part.open = true;
  });
  window.addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
})();
