// The menu of a job: right click on whatever shows one (data-job), its "…" (data-job-menu), the menu key, a long press.
(() => {
  const LONG_PRESS_MS = 550;
  const STILL_PX = 10; // a finger is never quite still
  const IN_A_VIEW = "main [data-job]:not(#job-content)"; // a job's own page keeps the browser's menu
  const holder = document.createElement("div");
  holder.id = "job-menu";
  holder.hidden = true;
  document.getElementById("main").append(holder);

  let opener = null; // gets the focus back
  let place = { x: 0, y: 0 };
  let shown = null; // the job's id

  const entries = () => [...holder.querySelectorAll("[role^=menuitem]")];
  const isTyping = (target) => target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const jobAt = (target) => target.closest?.("main [data-job], #drawer [data-job]");

  function open(id, from, at) {
    opener = from;
    place = at;
    shown = id;
    htmx.ajax("GET", `/jobs/${id}/menu/`, { source: holder, target: "#job-menu", swap: "innerHTML" });
  }
  function close({ focus = true } = {}) {
    if (holder.hidden) return;
    holder.hidden = true;
    if (focus) opener?.isConnected ? opener.focus() : jobLink(shown)?.focus();
  }
  const jobLink = (id) => document.querySelector(`main [data-job="${CSS.escape(id)}"] .job-link`);

  // What can take the focus back: what was focused in the job, its link, or the element itself.
  function focusable(job) {
    if (job.contains(document.activeElement)) return document.activeElement;
    return job.querySelector(".job-link") ?? job;
  }
  function under(element) {
    const box = element.getBoundingClientRect();
    return { x: box.left, y: box.bottom + 2 };
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== holder || !holder.firstElementChild) return;
    holder.hidden = false;
    for (const entry of entries()) entry.tabIndex = -1;
    const box = holder.getBoundingClientRect();
    const space = (wanted, size, limit) => Math.max(4, Math.min(wanted, limit - size - 4));
    holder.style.left = `${space(place.x, box.width, document.documentElement.clientWidth)}px`;
    holder.style.top = `${space(place.y, box.height, window.innerHeight)}px`;
    entries()[0]?.focus({ preventScroll: true });
  });

  // Opening ------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-job-menu]");
    if (button && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      if (!holder.hidden && opener === button) return close();
      return open(button.dataset.jobMenu, button, under(button));
    }
    if (!holder.hidden && !holder.contains(event.target)) close({ focus: false });
  });

  let openedByHand = 0; // a long press and some keys are followed by a contextmenu event of the browser's own
  document.addEventListener("contextmenu", (event) => {
    if (holder.contains(event.target)) return event.preventDefault();
    const job = event.target.closest(IN_A_VIEW);
    if (!job || isTyping(event.target) || document.getElementById("dialog").open) return;
    event.preventDefault();
    if (press || Date.now() - openedByHand < 1000) return;
    const at = event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : under(event.target);
    open(job.dataset.job, focusable(job), at);
  });
  document.addEventListener("keydown", (event) => {
    const isMenuKey = event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey);
    const job = isMenuKey && !isTyping(event.target) && jobAt(event.target);
    if (!job || document.getElementById("dialog").open) return;
    event.preventDefault();
    openedByHand = Date.now();
    open(job.dataset.job, event.target, under(event.target));
  });

  // A finger that rests opens the menu. What can be dragged is lifted first: there it opens when the finger leaves
  // without having moved.
  let press = null;
  document.addEventListener("pointerdown", (event) => {
    const job = event.pointerType === "touch" && event.isPrimary && event.target.closest(IN_A_VIEW);
    if (!job || isTyping(event.target) || event.target.closest("[data-job-menu]")) return;
    press = { job, at: { x: event.clientX, y: event.clientY }, begun: Date.now(), isLifted: job.matches("[data-drag-job]") };
    if (!press.isLifted) press.timer = setTimeout(openPressed, LONG_PRESS_MS);
  });
  function openPressed() {
    const { job, at, isLifted } = press;
    letGo();
    openedByHand = Date.now();
    swallowClick(isLifted);
    open(job.dataset.job, focusable(job), at);
  }
  function letGo() {
    clearTimeout(press?.timer);
    press = null;
  }
  document.addEventListener("pointermove", (event) => {
    if (press && Math.hypot(event.clientX - press.at.x, event.clientY - press.at.y) > STILL_PX) letGo();
  });
  document.addEventListener("pointerup", () => {
    if (press?.isLifted && Date.now() - press.begun >= LONG_PRESS_MS) openPressed();
    letGo();
  });
  document.addEventListener("pointercancel", letGo);
  document.addEventListener("scroll", letGo, true);

  // The finger that opened the menu must not also click what is under it.
  function swallowClick(hasLeft) {
    const swallow = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("click", swallow, { capture: true, once: true });
    const free = () => setTimeout(() => document.removeEventListener("click", swallow, true), 50);
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, free, { once: true });
    if (hasLeft) free();
  }

  // Inside -------------------------------------------------------------------------------------

  let typed = "";
  let forget = null;
  function typeahead(key) {
    clearTimeout(forget);
    forget = setTimeout(() => { typed = ""; }, 700);
    typed += key.toLowerCase();
    const all = entries();
    const from = all.indexOf(document.activeElement) + (typed.length === 1 ? 1 : 0);
    const next = [...all.slice(from), ...all.slice(0, from)];
    next.find((entry) => entry.textContent.trim().toLowerCase().startsWith(typed))?.focus();
  }
  holder.addEventListener("keydown", (event) => {
    const all = entries();
    const here = all.indexOf(document.activeElement);
    const goTo = {
      ArrowDown: all[(here + 1) % all.length],
      ArrowUp: all[(here - 1 + all.length) % all.length],
      Home: all[0],
      End: all.at(-1),
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation(); // the board's own keys
    if (goTo) goTo.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key === " ") document.activeElement.click();
    else if (event.key.length === 1) typeahead(event.key);
    else return;
    event.preventDefault();
  });
  // Hidden, not emptied: the answer to an entry's request is told to the entry.
  holder.addEventListener("click", (event) => {
    if (event.target.closest("[role^=menuitem]")) setTimeout(close);
  });
  window.addEventListener("resize", () => close({ focus: false }));
  window.addEventListener("scroll", () => close({ focus: false }));
})();
