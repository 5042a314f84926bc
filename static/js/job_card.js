// The card that appears beside a job when the pointer rests on it, or the focus when asked by `i`.
(() => {
  const REST_MS = 450;
  const cards = new Map(); // what was fetched a moment ago
  const card = document.createElement("div");
  card.id = "job-card";
  card.className = "job-card";
  card.hidden = true;
  document.body.append(card);
  let timer = null;
  let over = null;

  async function show(element) {
    const id = element.dataset.job;
    const html = cards.get(id) ?? fetch(`/jobs/${id}/card/`, { headers: { "HX-Request": "true" } }).then((answer) => (answer.ok ? answer.text() : ""));
    cards.set(id, html);
    const text = await html;
    if (over !== element || !element.isConnected || !text) return;
    card.innerHTML = text;
    htmx.process(card);
    card.hidden = false;
    place(element);
  }
  function place(element) {
    const box = element.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = Math.min(Math.max(8, box.left), innerWidth - width - 8);
    const below = box.bottom + 6;
    const top = below + height > innerHeight - 8 ? Math.max(8, box.top - height - 6) : below;
    card.style.transform = `translate(${left}px, ${top}px)`;
  }
  function hide() {
    clearTimeout(timer);
    over = null;
    card.hidden = true;
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || event.target.closest("#job-card")) return clearTimeout(timer);
    const element = event.target.closest(".block[data-job], .chip-job[data-job]");
    if (element === over) return undefined;
    clearTimeout(timer);
    if (!element) { timer = setTimeout(hide, 250); return undefined; }
    over = element;
    timer = setTimeout(() => show(element), card.hidden ? REST_MS : 120);
    return undefined;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !card.hidden) hide();
    if (event.key !== "i" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const element = document.activeElement.closest("[data-job]");
    if (!element) return;
    over = element;
    show(element).then(() => card.querySelector("a, button")?.focus());
  });
  card.addEventListener("click", hide);
  document.addEventListener("pointerdown", (event) => { if (!card.contains(event.target)) hide(); });
  document.addEventListener("scroll", hide, true);
  for (const name of ["live-jobs", "live-refresh", "drag-begun"]) {
    document.body.addEventListener(name, () => { cards.clear(); if (name === "drag-begun") hide(); });
  }
})();
