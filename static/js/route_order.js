// The order of a route changed by hand: by its grip with pointer or finger, by Alt and the arrows, by two buttons. The
// list follows at once, the times come from the server.
//
// [data-route-order] is the list; its data-url takes the order (job=1&job=2 ...) and answers with what #route-review
// holds. The latest order wins: an answer to an older one is not waited for.
(() => {
  const SLACK = 4;
  const EDGE = 56;
  const list = () => document.querySelector("[data-route-order]");
  const rowsOf = (place) => [...place.querySelectorAll(":scope > [data-stop]")];
  const isMovable = (row) => row?.classList.contains("is-movable");
  const orderOf = (place) => rowsOf(place).map((row) => row.dataset.stop);
  const nameOf = (row) => row.querySelector(".job-link")?.textContent.trim().replace(/\s+/g, " ") ?? "The stop";

  const announcer = Object.assign(document.createElement("div"), { className: "visually-hidden" });
  announcer.setAttribute("role", "status");
  document.body.append(announcer);
  const source = Object.assign(document.createElement("span"), { hidden: true });
  source.setAttribute("hx-sync", "this:replace");
  document.body.append(source);

  const before = []; // orders that were, for taking a move back
  let focus = null; // {stop, what}: where the focus is to be after the answer
  let asked = 0;

  // What is asked of the server ---------------------------------------------------------------------

  function ask(place, was) {
    place.classList.add("is-asking");
    asked += 1;
    const mine = asked;
    performance.mark("route-order-asked");
    const context = { source, target: "#route-review", swap: "outerHTML", values: { job: orderOf(place) } };
    return htmx.ajax("POST", place.dataset.url, context).catch(() => {}).then(() => { // page.js says what went wrong
      if (mine !== asked || !place.isConnected) return true;
      place.classList.remove("is-asking"); // nothing came of it: back to what is true
      arrange(place, was);
      return false;
    });
  }
  function arrange(place, order) {
    for (const stop of order) place.append(place.querySelector(`:scope > [data-stop="${CSS.escape(stop)}"]`));
  }
  function changed(place, was, row) {
    if (was.join() === orderOf(place).join()) return;
    before.push(was);
    focus = { stop: row.dataset.stop, what: whatHasFocus(row) };
    ask(place, was).then((isDone) => { if (!isDone) before.pop(); });
  }
  const whatHasFocus = (row) => {
    const active = document.activeElement;
    if (!row.contains(active)) return ".job-link";
    return active.dataset.move ? `[data-move="${active.dataset.move}"]` : ".job-link";
  };

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target?.id !== "route-review") return;
    const undo = document.querySelector("[data-undo-move]");
    if (undo) undo.hidden = !before.length;
    const row = focus && document.querySelector(`[data-route-order] > [data-stop="${focus.stop}"]`);
    if (row) {
      row.querySelector(focus.what)?.focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
      tell(row);
    }
    focus = null;
  });
  function tell(row) {
    const rows = rowsOf(row.parentElement);
    const faults = [...row.querySelectorAll(".stop-fault")].map((fault) => fault.textContent.trim());
    const when = row.querySelector(".stop-when b")?.textContent ?? "no time";
    const broken = document.querySelectorAll("[data-route-order] .stop-fault").length - faults.length;
    announcer.textContent = [`${nameOf(row)} is stop ${rows.indexOf(row) + 1} of ${rows.length}, at ${when}.`, ...faults,
      broken ? `${broken} more rule${broken === 1 ? "" : "s"} broken at other stops.` : ""].filter(Boolean).join(" ");
  }

  function undo() {
    const place = list();
    const order = before.pop();
    if (!place || !order) return;
    const was = orderOf(place);
    arrange(place, order);
    ask(place, was).then((isDone) => { if (!isDone) before.push(order); });
  }

  // Keys and buttons --------------------------------------------------------------------------------

  function step(row, by) {
    const place = row.parentElement;
    const rows = rowsOf(place);
    const other = rows[rows.indexOf(row) + by];
    if (!isMovable(row) || !isMovable(other)) {
      announcer.textContent = isMovable(row) ? `${nameOf(row)} cannot go further.` : `${nameOf(row)} has begun and stays.`;
      return;
    }
    const was = orderOf(place);
    const active = document.activeElement;
    if (by < 0) other.before(row);
    else other.after(row);
    active.focus({ preventScroll: true }); // what is moved in the page loses it
    row.scrollIntoView({ block: "nearest" });
    changed(place, was, row);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (button) {
      event.preventDefault(); // without this script the form around it is sent
      step(button.closest("[data-stop]"), Number(button.dataset.move));
    }
    if (event.target.closest("[data-undo-move]")) undo();
  });
  document.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = event.target.closest?.("[data-route-order] > [data-stop]");
    if (!row) return;
    event.preventDefault();
    step(row, by);
  });

  // Pointer and finger ------------------------------------------------------------------------------

  let press = null; // {row, id, y, rows, boxes, to} of a pointer that is down on a stop
  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || press) return;
    const row = event.target.closest("[data-route-order] > .is-movable");
    const byGrip = event.target.closest("[data-grip]");
    const byRow = event.pointerType === "mouse" && !event.target.closest("a, button, summary, input");
    if (!row || !(byGrip || byRow)) return;
    event.preventDefault(); // no text is selected
    press = { row, id: event.pointerId, y: event.clientY, at: event.clientY, isLifted: false };
  });
  function lift() {
    const place = press.row.parentElement;
    const rows = rowsOf(place);
    const boxes = rows.map((row) => ({ top: row.offsetTop, height: row.offsetHeight }));
    Object.assign(press, { place, rows, boxes, from: rows.indexOf(press.row), to: rows.indexOf(press.row), isLifted: true, scrolled: scrollY });
    press.row.classList.add("is-lifted");
    place.classList.add("is-moving");
    document.documentElement.classList.add("is-dragging");
    navigator.vibrate?.(15);
  }
  function follow() {
    const { row, rows, boxes, from } = press;
    const dragged = press.at - press.y + (scrollY - press.scrolled);
    row.style.setProperty("--dragged", `${dragged}px`);
    // Another makes room once the edge that leads is over its middle.
    const top = boxes[from].top + dragged;
    const middleOf = (place) => boxes[place].top + boxes[place].height / 2;
    let to = from;
    while (to > 0 && isMovable(rows[to - 1]) && top < middleOf(to - 1)) to -= 1;
    while (to < rows.length - 1 && isMovable(rows[to + 1]) && top + boxes[from].height > middleOf(to + 1)) to += 1;
    press.to = to;
    rows.forEach((other, place) => {
      const up = place > from && place <= to;
      const down = place < from && place >= to;
      other.classList.toggle("is-shifting", up || down);
      other.style.setProperty("--shifted", `${(up ? -1 : 1) * boxes[from].height}px`);
    });
  }
  let scrolling = null;
  function scrollAtEdges() {
    scrolling ??= requestAnimationFrame(() => {
      scrolling = null;
      if (!press?.isLifted) return;
      const by = press.at > innerHeight - EDGE ? 10 : press.at < EDGE ? -10 : 0;
      const was = scrollY;
      if (by) scrollBy({ top: by, behavior: "instant" });
      if (scrollY !== was) { follow(); scrollAtEdges(); }
    });
  }
  document.addEventListener("pointermove", (event) => {
    if (!press || event.pointerId !== press.id) return;
    press.at = event.clientY;
    if (!press.isLifted && Math.abs(press.at - press.y) < SLACK) return;
    if (!press.isLifted) lift();
    follow();
    scrollAtEdges();
  });
  function settle() {
    const { row, rows, place } = press;
    for (const other of rows) {
      other.classList.remove("is-lifted", "is-shifting");
      other.style.removeProperty("--dragged");
      other.style.removeProperty("--shifted");
    }
    place.classList.remove("is-moving");
    document.documentElement.classList.remove("is-dragging");
    return row;
  }
  function end(event, isDropped) {
    if (!press || (event && event.pointerId !== press.id)) return;
    const { isLifted, from, to, rows, place } = press;
    if (isLifted) {
      const row = settle();
      if (isDropped && to !== from && place.isConnected) {
        const was = orderOf(place);
        if (to < from) rows[to].before(row);
        else rows[to].after(row);
        changed(place, was, row);
      }
    }
    press = null;
  }
  document.addEventListener("pointerup", (event) => end(event, true));
  document.addEventListener("pointercancel", (event) => end(event, false));
  document.addEventListener("touchmove", (event) => { if (press?.isLifted) event.preventDefault(); }, { passive: false });
  // Before the drawer closes, or anything else that Escape does.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !press?.isLifted) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    end(null, false);
  }, true);

  // The page ----------------------------------------------------------------------------------------

  // What was applied is taken back: nothing is to be undone any more.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.elt.matches?.("[data-undo-applied]") || !detail.successful) return;
    document.querySelector("[data-said]")?.remove();
    const told = document.querySelector("[data-undone]");
    told.hidden = false;
    told.querySelector("a").focus();
  });
  // While the day is not the one that was planned, nothing can be applied.
  document.addEventListener("htmx:afterSwap", () => {
    const isOutdated = document.querySelector("[data-outdated]");
    const apply = document.querySelector("[data-apply]");
    if (isOutdated && apply) apply.disabled = true;
  });
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target?.id === "route-plan") before.length = 0;
  });

  // Another technician is gone to when chosen; a day that is being typed waits for the button.
  for (const form of document.querySelectorAll("[data-choose]")) {
    const button = form.querySelector("[data-choose-go]");
    button.hidden = true;
    form.addEventListener("input", ({ target }) => { if (target.type === "date") button.hidden = false; });
    form.querySelector("select")?.addEventListener("change", () => form.requestSubmit());
  }
  // Asked twice, the second would be refused.
  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("[data-once]");
    if (button) setTimeout(() => { button.disabled = true; });
  });
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); }); // a plan of long ago
})();
