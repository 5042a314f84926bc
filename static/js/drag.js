// Moving jobs by pointer, by touch (press and hold) and by keyboard (Space, arrows, Enter).
//
// What can be moved has data-drag-job (its id), data-seen (what the user saw) and, on a scale of hours, data-planned.
// Where it can be put has data-drop-technician (an id, "none" for the tray, left out: whoever has it) and data-drop-day;
// with data-drop-hours="7-18" the place along it is a time. What a drop would do is asked of the server and shown
// beside the pointer; the drop itself is a POST, and a conflict comes back as a dialog that asks.
(() => {
  const HOLD_MS = 380; // a touch that rests this long picks up; a shorter one scrolls or taps
  const SLACK = 6;
  const EDGE = 48;
  const say = (text) => { announcer.textContent = text; };
  const announcer = document.createElement("div");
  announcer.className = "visually-hidden";
  announcer.setAttribute("role", "status");
  announcer.setAttribute("aria-live", "assertive");
  announcer.id = "drag-announcer";
  document.body.append(announcer);
  const panel = document.createElement("div");
  panel.className = "drop-preview";
  panel.hidden = true;
  document.body.append(panel);
  const ghost = document.createElement("div");
  ghost.className = "drop-ghost";

  let press = null; // a pointer that is down and may become a drag
  let drag = null; // {id, element, target, minutes: time of day or null, by: "pointer" | "keys"}

  // What and where ---------------------------------------------------------------------------------

  const clock = (minutes) => `${String(Math.floor(minutes / 60) % 24).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  const minutesOf = (text) => { const [hours, minutes] = text.split(":").map(Number); return hours * 60 + minutes; };
  const hoursOf = (target) => target.dataset.dropHours?.split("-").map((hour) => hour * 60);
  const step = () => (parseFloat(getComputedStyle(document.querySelector(".lanes") ?? document.body).getPropertyValue("--zoom")) >= 5 ? 5 : 15);

  function begin(element, by, grabbed = 0) {
    const lane = element.closest("[data-drop-hours]");
    drag = {
      id: element.dataset.dragJob,
      name: element.querySelector(".job-link")?.textContent.trim() ?? "Job",
      seen: element.dataset.seen ?? "",
      version: element.dataset.version ?? "",
      length: Number(element.dataset.minutes) || 60,
      planned: lane && element.dataset.planned ? minutesOf(element.dataset.planned) : null,
      element, by, grabbed, home: lane ?? element.closest("[data-drop-technician], [data-drop-day]"), target: null, minutes: null, free: false,
    };
    element.classList.add("is-lifted");
    document.documentElement.classList.add("is-dragging");
    document.body.dispatchEvent(new CustomEvent("drag-begun"));
  }
  function end() {
    if (!drag) return;
    clearTimeout(asked);
    question?.abort();
    question = null;
    drag.element.classList.remove("is-lifted");
    document.documentElement.classList.remove("is-dragging");
    for (const marked of document.querySelectorAll(".drop-here")) marked.classList.remove("drop-here");
    ghost.remove();
    panel.hidden = true;
    drag = null;
    document.body.dispatchEvent(new CustomEvent("drag-ended"));
  }

  // The target and the time under a point, or null where nothing can be dropped.
  function aim(x, y, free) {
    const target = document.elementFromPoint(x, y)?.closest("[data-drop-technician], [data-drop-day]");
    let minutes = null;
    const hours = target && hoursOf(target);
    if (hours) {
      const box = target.getBoundingClientRect();
      const at = hours[0] + ((x - box.left) / box.width) * (hours[1] - hours[0]) - drag.grabbed;
      minutes = Math.round(at / step()) * step();
      minutes = Math.max(hours[0], Math.min(hours[1] - step(), minutes));
      // Another technician does not mean another time, unless asked with Shift.
      if (target !== drag.home && drag.planned !== null && !free) minutes = drag.planned;
    }
    aimAt(target ?? null, minutes);
  }
  function aimAt(target, minutes) {
    if (target === drag.target && minutes === drag.minutes) return;
    drag.target?.classList.remove("drop-here");
    drag.target = target;
    drag.minutes = minutes;
    target?.classList.add("drop-here");
    drawGhost();
    ask();
  }
  function drawGhost() {
    const hours = drag.target && drag.minutes !== null && hoursOf(drag.target);
    if (!hours) return ghost.remove();
    const length = hours[1] - hours[0];
    ghost.style.left = `${((drag.minutes - hours[0]) / length) * 100}%`;
    ghost.style.width = `${(drag.length / length) * 100}%`;
    if (ghost.parentElement !== drag.target) drag.target.append(ghost);
    return undefined;
  }

  // The preview ------------------------------------------------------------------------------------

  let asked = null;
  let question = null;
  function values() {
    const { dropTechnician, dropDay } = drag.target.dataset;
    return {
      technician: dropTechnician ?? "",
      day: dropDay ?? "",
      at: drag.minutes === null ? "" : clock(drag.minutes),
      seen: drag.seen,
      version: drag.version,
    };
  }
  function ask() {
    clearTimeout(asked);
    question?.abort();
    question = null;
    delete ghost.dataset.outcome;
    drag.kinds = null;
    if (!drag.target) { panel.hidden = true; return; }
    asked = setTimeout(async () => {
      const mine = drag;
      question = new AbortController();
      try {
        const answer = await fetch(`/jobs/${mine.id}/preview/?${new URLSearchParams(values())}`, { signal: question.signal, headers: { "HX-Request": "true" } });
        if (!answer.ok && answer.status !== 422) return;
        const text = await answer.text();
        if (drag !== mine) return;
        panel.innerHTML = text;
        const verdict = panel.firstElementChild;
        ghost.dataset.outcome = verdict.dataset.outcome;
        mine.kinds = verdict.dataset.kinds.trim().split(" ").filter(Boolean);
        panel.hidden = false;
        hint();
        placePanel();
        if (mine.by === "keys") say(verdict.textContent.replace(/\s+/g, " ").trim());
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }, drag.by === "keys" ? 180 : 90);
  }
  function hint() {
    const elsewhere = drag.by === "pointer" && drag.planned !== null && drag.target !== drag.home && drag.minutes !== null;
    if (!elsewhere) return;
    const line = document.createElement("p");
    line.className = "muted";
    line.textContent = "Keeps its time. Shift: the time under the pointer.";
    panel.append(line);
  }
  let pointer = { x: 0, y: 0 };
  function placePanel() {
    let { x, y } = pointer;
    if (drag?.by === "keys") {
      const box = (ghost.isConnected ? ghost : drag.target ?? drag.element).getBoundingClientRect();
      ({ left: x, bottom: y } = box);
    }
    const left = Math.min(x + 16, innerWidth - panel.offsetWidth - 8);
    const top = y + 20 + panel.offsetHeight > innerHeight ? y - panel.offsetHeight - 16 : y + 20;
    panel.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
  }

  // The drop ---------------------------------------------------------------------------------------

  const REMEMBERED = "truckroll-conflicts";
  const remembered = () => JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "{}");
  // The answer given before to conflicts of the same kinds, if all of them were answered alike.
  function usualAnswer(kinds) {
    const answers = new Set((kinds ?? []).map((kind) => remembered()[kind]));
    return answers.size === 1 && [...answers][0] ? [...answers][0] : "ask";
  }
  document.addEventListener("submit", (event) => {
    const answer = event.submitter?.name === "on_conflict" && event.submitter.value;
    const box = event.target.querySelector("[data-remember]");
    if (!answer || !box?.checked) return;
    const answers = remembered();
    for (const kind of box.dataset.remember.trim().split(" ")) answers[kind] = answer;
    sessionStorage.setItem(REMEMBERED, JSON.stringify(answers));
  }, true);

  // Nor is it asked again after a move by the form or the menu.
  document.addEventListener("htmx:afterSettle", (event) => {
    const box = event.detail.target.id === "dialog-body" && event.detail.target.querySelector("[data-remember]");
    const answer = box && usualAnswer(box.dataset.remember.trim().split(" "));
    box?.form?.querySelector(`[name=on_conflict][value=${answer}]`)?.click();
  });

  function drop() {
    const { id, target, kinds, home, minutes, planned, name } = drag;
    if (!target || (target === home && (minutes === null || minutes === planned))) return end();
    const sent = { ...values(), on_conflict: usualAnswer(kinds) };
    const where = target.dataset.dropName ?? "";
    const kept = ghost.isConnected ? ghost.cloneNode() : null;
    if (kept) target.append(kept);
    end();
    say(`${name} dropped${where && ` on ${where}`}`);
    performance.mark("drop");
    const source = document.querySelector(`[data-drag-job="${id}"]`);
    htmx.ajax("POST", `/jobs/${id}/place/`, { target: "#dialog-body", swap: "innerHTML", values: sent })
      .finally(() => { kept?.remove(); source?.classList.remove("is-lifted"); });
    return undefined;
  }

  // Pointer ----------------------------------------------------------------------------------------

  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const element = event.target.closest("[data-drag-job]");
    if (!element || event.target.closest("button, input, select, textarea, [data-job-menu]")) return;
    const lane = element.closest("[data-drop-hours]");
    let grabbed = 0;
    if (lane) {
      const hours = hoursOf(lane);
      const perPixel = (hours[1] - hours[0]) / lane.getBoundingClientRect().width;
      grabbed = (event.clientX - element.getBoundingClientRect().left) * perPixel;
    }
    press = { element, grabbed, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch", id: event.pointerId };
    if (press.touch) press.timer = setTimeout(lift, HOLD_MS);
  });
  function lift() {
    if (!press?.element.isConnected) return;
    begin(press.element, "pointer", press.grabbed);
    navigator.vibrate?.(15);
    pointer = { x: press.x, y: press.y };
  }
  document.addEventListener("pointermove", (event) => {
    if (!press || event.pointerId !== press.id) return;
    pointer = { x: event.clientX, y: event.clientY };
    if (!drag) {
      if (Math.hypot(event.clientX - press.x, event.clientY - press.y) < SLACK) return;
      if (press.touch) return release(); // it moved before it rested: that is scrolling
      lift();
    }
    press.moved = true;
    aim(event.clientX, event.clientY, event.shiftKey);
    placePanel();
    scrollAtEdges();
  });
  function release() {
    clearTimeout(press?.timer);
    press = null;
  }
  document.addEventListener("pointerup", (event) => {
    if (!press || event.pointerId !== press.id) return;
    const { moved } = press;
    release();
    if (!drag) return;
    if (moved) drop();
    else end();
    // The click that follows would open the job.
    document.addEventListener("click", stop, { capture: true, once: true });
    setTimeout(() => document.removeEventListener("click", stop, true));
  });
  const stop = (event) => { event.preventDefault(); event.stopPropagation(); };
  document.addEventListener("pointercancel", () => { release(); end(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("[data-drag-job]")) event.preventDefault(); });
  // Once picked up, a finger moves the job and not the page.
  document.addEventListener("touchmove", (event) => { if (drag?.by === "pointer") event.preventDefault(); }, { passive: false });
  document.addEventListener("contextmenu", (event) => { if (drag) event.preventDefault(); });

  let scrolling = null;
  function scrollAtEdges() {
    scrolling ??= requestAnimationFrame(() => {
      scrolling = null;
      if (drag?.by !== "pointer") return;
      for (const box of document.querySelectorAll(".lanes, .tray-cards, [data-drop-scroll]")) {
        const edges = box.getBoundingClientRect();
        if (pointer.x < edges.left || pointer.x > edges.right || pointer.y < edges.top || pointer.y > edges.bottom) continue;
        const down = pointer.y > edges.bottom - EDGE ? 12 : pointer.y < edges.top + EDGE ? -12 : 0;
        const right = pointer.x > edges.right - EDGE ? 12 : pointer.x < edges.left + EDGE ? -12 : 0;
        const before = box.scrollTop + box.scrollLeft;
        box.scrollBy(right, down);
        if (box.scrollTop + box.scrollLeft !== before) {
          aim(pointer.x, pointer.y, false);
          scrollAtEdges();
        }
      }
    });
  }

  // Keyboard ---------------------------------------------------------------------------------------

  const targets = () => [...document.querySelectorAll("main [data-drop-technician], main [data-drop-day]")].filter((target) => target.matches(".lane-who") === false && target.checkVisibility());

  function pickUp(element) {
    begin(element, "keys");
    const hours = drag.home && hoursOf(drag.home);
    const starts = element.dataset.planned ?? element.dataset.starts;
    aimAt(drag.home, hours ? minutesOf(starts ?? "09:00") : null);
    say(`${drag.name} picked up. Arrows move it, Enter drops it, Escape cancels.`);
  }
  function keepInSight() {
    const shown = ghost.isConnected ? ghost : drag.target;
    shown?.scrollIntoView({ block: "nearest", inline: "nearest" });
    placePanel();
  }
  // The nearest target in that direction, by where they are on the screen.
  function neighbour(dx, dy) {
    const all = targets();
    const here = (drag.target ?? drag.element).getBoundingClientRect(); // on a map a job lies on no target
    const centre = (box) => ({ x: box.left + box.width / 2, y: box.top + box.height / 2 });
    const from = centre(here);
    let best = null;
    for (const target of all) {
      if (target === drag.target) continue;
      const to = centre(target.getBoundingClientRect());
      const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
      const across = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
      if (along < 4) continue;
      const distance = along + across * 3;
      if (!best || distance < best.distance) best = { target, distance };
    }
    return best?.target;
  }
  function move(key, shift) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const hours = drag.target && hoursOf(drag.target);
    if (dx && hours && drag.minutes !== null) {
      const next = drag.minutes + dx * (shift ? 60 : step());
      if (next >= hours[0] && next < hours[1]) return aimAt(drag.target, next);
    }
    const target = neighbour(dx, dy);
    if (!target) return undefined;
    const scale = hoursOf(target);
    let minutes = null;
    if (scale) minutes = drag.minutes ?? drag.planned ?? drag.lastMinutes ?? firstMinutes(scale);
    if (drag.minutes !== null) drag.lastMinutes = drag.minutes;
    return aimAt(target, minutes);
  }
  // From the tray a job comes to now, or to nine o'clock on another day.
  function firstMinutes([first, last]) {
    const now = document.querySelector("[data-now-clock]")?.textContent;
    const minutes = now ? Math.ceil(minutesOf(now) / step()) * step() : 9 * 60;
    return Math.max(first, Math.min(last - step(), minutes));
  }

  document.addEventListener("keydown", (event) => {
    if (drag?.by === "keys") {
      if (event.key.startsWith("Arrow")) { event.preventDefault(); move(event.key, event.shiftKey); keepInSight(); }
      else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); drop(); }
      else if (event.key === "Escape") { event.preventDefault(); const name = drag.name; end(); say(`${name} stays where it was`); }
      else if (event.key === "Tab") { event.preventDefault(); }
      else return;
      event.stopImmediatePropagation();
      return;
    }
    if (drag && event.key === "Escape") { event.preventDefault(); event.stopImmediatePropagation(); release(); end(); return; }
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || document.getElementById("dialog").open) return;
    if (event.target.closest("input, select, textarea, button, summary, [role=button], [role=menu]")) return;
    const element = event.target.closest("[data-drag-job]");
    if (!element) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pickUp(element);
  }, true);
})();
