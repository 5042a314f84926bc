// What waits on this phone: shown tap by tap, and the page as it will be once that is sent. What the server did not do
// stays, with its sentence and a way out, until it is dismissed.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const outbox = document.getElementById("outbox");
  const bar = document.getElementById("phone-bar");
  const WORDS = JSON.parse(document.body.dataset.statusWords);
  const ACTIVE = ["en_route", "in_progress"];
  const DUTY_AFTER = { in: "on", out: "off", break: "break", back: "on" };
  let taps = [];
  let trouble = "";
  let sentence = "";
  let noSignal = "cached" in document.body.dataset || navigator.onLine === false;

  const FORGET_AFTER_MS = 600000; // the day as the phone has kept it may be older than the page
  const isOnTheWay = (tap) => tap.state === "waiting" || (tap.state === "done" && tap.answered_at > asOf());
  const asOf = () => Number(state().asOf || 0);
  const state = () => (root.querySelector("[data-day-state]") || { dataset: {} }).dataset;

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  // replaceChildren() is not on old phones.
  function fill(element, ...children) {
    element.textContent = "";
    element.append(...children);
  }

  const { timeZone } = document.body.dataset; // the business's, as everywhere on the page
  const dayOf = (ms) => new Date(ms).toLocaleDateString("en-GB", { timeZone, weekday: "short", day: "numeric", month: "short" }).replace(",", "");

  function clock(ms) {
    const time = new Date(ms).toLocaleTimeString("en", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    return dayOf(ms) === dayOf(Date.now()) ? time : `${dayOf(ms)} ${time}`;
  }

  // What the page believes -------------------------------------------------------------------------

  function believe() {
    const jobs = new Map();
    for (const { dataset } of root.querySelectorAll("[data-job][data-seen]")) {
      jobs.set(dataset.job, { seen: dataset.seen, number: dataset.number });
    }
    const foot = root.querySelector(".phone-foot");
    const { busyWith, busySeen } = foot ? foot.dataset : {};
    if (busyWith) jobs.set(busyWith, { seen: busySeen, number: foot.querySelector("[data-busy-number]").textContent });
    let { duty } = state();
    let isSick = "isSick" in state();
    for (const tap of taps.filter(isOnTheWay)) {
      if (tap.kind === "duty") duty = DUTY_AFTER[tap.content.duty] || duty;
      if (tap.kind === "sick") {
        isSick = true;
        if (duty && ![...jobs.values()].some(({ seen }) => ACTIVE.includes(seen.split(".")[0]))) duty = "off";
      }
      if (tap.kind !== "step") continue;
      const job = jobs.get(String(tap.job)) || { seen: tap.content.seen, number: tap.number };
      if (job.seen !== tap.content.seen) continue; // the server knows better by now, and will say so
      jobs.set(String(tap.job), { ...job, seen: `${tap.content.to}.${job.seen.split(".")[1]}`, isTaken: true });
    }
    for (const job of jobs.values()) job.status = job.seen.split(".")[0];
    return { jobs, duty, isSick };
  }

  function show() {
    const { jobs, duty, isSick } = believe();
    const active = [...jobs].find(([, job]) => ACTIVE.includes(job.status));
    for (const element of root.querySelectorAll("[data-job][data-seen]")) showJob(element, jobs.get(element.dataset.job));
    for (const element of document.querySelectorAll("[data-when-duty], [data-when-well]")) {
      const { whenDuty, whenIdle, whenWell } = element.dataset;
      const isDuty = whenDuty === undefined || (duty && whenDuty.split(" ").includes(duty));
      element.hidden = !isDuty || (whenIdle !== undefined && Boolean(active)) || (whenWell !== undefined && isSick);
    }
    const foot = root.querySelector(".phone-foot");
    const sick = root.querySelector("[data-sick-waiting]");
    if (sick) sick.hidden = !isSick || "isSick" in state();
    if (sick) foot.classList.toggle("is-sick", isSick);
    const own = foot && jobs.get(foot.dataset.footOf);
    if (own) showSteps(foot, own, active && active[0] !== foot.dataset.footOf ? active : null);
    if (foot) foot.hidden = !foot.querySelector(":scope > :not([hidden])");
    root.dataset.waiting = taps.filter(isOnTheWay).length;
    showNotes();
    showBar();
    showOutcomes();
    document.dispatchEvent(new CustomEvent("day-shown", { detail: { duty, jobs, taps: taps.filter(isOnTheWay) } }));
  }

  function showJob(element, job) {
    const waiting = taps.some((tap) => tap.state === "waiting" && String(tap.job) === element.dataset.job);
    const status = element.querySelector("[data-status-shown]");
    if (status) {
      status.textContent = WORDS[job.status] || job.status;
      status.className = `status ${job.status}`;
    }
    const side = element.querySelector("[data-status-if-taken]");
    if (side && job.isTaken) side.textContent = WORDS[job.status] || job.status;
    const chip = element.querySelector("[data-waiting-chip]");
    if (chip) chip.hidden = !waiting;
  }

  function showSteps(foot, own, other) {
    const steps = [...root.querySelectorAll("form[data-when-status]")];
    for (const form of steps) form.hidden = form.dataset.whenStatus !== own.status || (other && form.closest(".phone-foot") !== null);
    const more = root.querySelector("[data-more-steps]");
    if (more) more.hidden = !more.querySelector("form:not([hidden])");
    const busy = foot.querySelector("[data-when-busy]");
    const canStep = steps.some((form) => !form.hidden && form.closest(".phone-foot"));
    const isBusy = Boolean(busy && other && own.status === "assigned");
    if (busy) {
      busy.hidden = !isBusy;
      if (isBusy) {
        const [pk, job] = other;
        busy.querySelector("[data-busy-status]").textContent = WORDS[job.status];
        for (const name of busy.querySelectorAll("[data-busy-number]")) name.textContent = job.number || "the other job";
        busy.querySelector("[data-busy-link]").href = `${document.body.dataset.pageUrl}jobs/${pk}/`;
      }
    }
    const done = foot.querySelector("[data-when-done]");
    if (done) done.hidden = canStep || isBusy;
  }

  // What waits -------------------------------------------------------------------------------------

  function showNotes() {
    const list = root.querySelector("[data-waiting-notes]");
    if (!list) return;
    const notes = taps.filter((tap) => isOnTheWay(tap) && tap.kind === "note" && String(tap.job) === list.dataset.job);
    list.hidden = notes.length === 0;
    fill(list, ...notes.map((tap) => make("li", {}, make("p", {}, tap.content.text), make("small", {}, `${clock(tap.tapped_at)} · ${stateOf(tap)}`))));
  }

  const stateOf = (tap) => (tap.state === "waiting" ? "waiting to be sent" : "sent");

  function why(count) {
    const them = count === 1 ? "it" : "them";
    if (trouble === "login") return make("a", { href: `/login/?next=${encodeURIComponent(location.pathname)}` }, `Log in again to send ${them}`);
    if (trouble === "closed") return `${sentence || "Your account is not active. Call the office."} What you tapped stays on this phone and is sent when it is active again.`;
    if (trouble === "other-user") return `Somebody else has logged in here. Log in again as yourself to send ${them}.`;
    if (taps.some((tap) => tap.isFleeting && tap.state === "waiting")) return `This browser cannot keep ${them}: leave this page open.`;
    if (count && noSignal) return "Kept on this phone, also when it is turned off. Sent by itself once there is signal.";
    return "";
  }

  function showBar() {
    const waiting = taps.filter((tap) => tap.state === "waiting");
    const late = waiting.filter((tap) => noSignal || trouble || tap.file || tap.tapped_at < Date.now() - 1500);
    const refused = taps.filter((tap) => tap.state === "refused").length;
    const parts = [];
    if (noSignal) parts.push(`No signal · as of ${asOfText()}`);
    if (late.length) parts.push(`${late.length} ${late.length === 1 ? "tap waits" : "taps wait"} to be sent`);
    if (refused) parts.push(`${refused} not taken`);
    if (!noSignal && waiting.length > late.length) setTimeout(showBar, 1600); // sent at once as a rule: no flicker
    bar.hidden = parts.length === 0;
    const text = parts.join(" · ");
    const shown = bar.querySelector("[data-bar-text]");
    if (shown.textContent !== text) shown.textContent = text;
    bar.classList.toggle("has-list", late.length > 0);
    fill(bar.querySelector("[data-bar-why]"), why(late.length));
    fill(bar.querySelector("[data-bar-taps]"), ...late.map((tap) => make("li", {}, make("time", {}, clock(tap.tapped_at)), make("span", {}, titleOf(tap)), make("small", {}, stateOf(tap)))));
    document.body.classList.toggle("no-signal", noSignal);
  }

  function asOfText() {
    const { asOfText: text = "", asOfDay = "" } = state();
    return dayOf(asOf()) === dayOf(Date.now()) ? text : asOfDay;
  }

  function whatOf({ kind, content, says }) {
    if (kind === "step") return WORDS[content.to];
    if (kind === "note") return `Note: ${content.text}`;
    if (kind === "late") return `Running late: ${content.minutes} min`;
    if (kind === "material" && content.name) return [content.quantity, content.unit, content.name].filter(Boolean).join(" ");
    return says;
  }

  function titleOf(tap) {
    const what = whatOf(tap);
    return tap.number ? `${what} · ${tap.number}` : what;
  }

  // What the server did not do ---------------------------------------------------------------------

  function showOutcomes() {
    const wanted = taps.filter((tap) => tap.state === "refused" || tap.state === "kept");
    const shown = new Map([...outbox.children].map((card) => [card.dataset.tapId, card]));
    for (const [id, card] of shown) if (!wanted.some((tap) => tap.id === id)) card.remove();
    for (const tap of wanted) if (!shown.has(tap.id)) outbox.append(tap.state === "kept" ? keptCard(tap) : refusedCard(tap));
  }

  function button(text, act, look = "") {
    const element = make("button", { type: "button", class: `button ${look}` }, text);
    element.addEventListener("click", act);
    return element;
  }

  function keptCard(tap) {
    const card = make("article", { class: "outcome", "data-tap-id": tap.id });
    card.append(make("h2", {}, "Given to the dispatcher as a note"), make("p", { class: "outcome-tap" }, `${titleOf(tap)}, tapped ${clock(tap.tapped_at)}`), make("p", {}, tap.answer || ""), make("div", { class: "acts" }, button("OK", () => Outbox.drop(tap.id))));
    return card;
  }

  function refusedCard(tap) {
    const card = make("article", { class: "outcome is-refused", "data-tap-id": tap.id });
    const acts = make("div", { class: "acts" });
    card.append(make("h2", {}, "Not taken"), make("p", { class: "outcome-tap" }, `${titleOf(tap)}, tapped ${clock(tap.tapped_at)}`), make("p", {}, tap.answer || ""));
    if (tap.truth) card.append(make("p", {}, "Now it is ", make("b", {}, WORDS[tap.truth.status] || tap.truth.status), "."));
    if (tap.file) acts.append(button("Send it again", () => Outbox.tryAgain(tap)));
    if (tap.job) acts.append(button("Write to the dispatcher", () => write(card, tap)));
    if (document.body.dataset.office !== "tel:") acts.append(make("a", { href: document.body.dataset.office }, "Call the office"));
    acts.append(button("Dismiss", () => Outbox.drop(tap.id)));
    card.append(acts);
    return card;
  }

  function write(card, tap) {
    if (card.querySelector("form")) return card.querySelector("textarea").focus();
    const id = `write-${tap.id}`;
    const text = make("textarea", { id, rows: 3, maxlength: 2000, required: "" });
    text.value = `${titleOf(tap)}, tapped ${clock(tap.tapped_at)}, was not taken. ${tap.content.note || ""}`;
    const form = make("form", { class: "note-form" }, make("label", { for: id }, "Note on the job"), text, make("button", { class: "button primary" }, "Send note"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await Outbox.add({ kind: "note", job: tap.job, number: tap.number, content: { text: text.value }, says: "Note" });
      await Outbox.drop(tap.id);
    });
    card.append(form);
    return text.focus();
  }

  // When -------------------------------------------------------------------------------------------

  function dropWhatIsOld() {
    for (const tap of taps) if (tap.state === "done" && tap.answered_at < asOf() - FORGET_AFTER_MS) Outbox.drop(tap.id);
  }

  function hearSignal(isThere) {
    if (noSignal === !isThere) return;
    noSignal = !isThere;
    showBar();
  }

  document.addEventListener("outbox-changed", (event) => {
    const needsThem = ["login", "other-user", "closed"].includes(event.detail.trouble);
    if (needsThem && event.detail.trouble !== trouble) bar.open = true; // it says what to do
    ({ taps, trouble, sentence } = event.detail);
    if (trouble === "later") noSignal = true;
    dropWhatIsOld();
    show();
  });
  document.addEventListener("outbox-answered", () => hearSignal(true));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === root && event.detail.xhr.status === 200) hearSignal(true); // also where the page stays as it is
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== root) return;
    noSignal = false;
    delete document.body.dataset.cached;
    dropWhatIsOld();
    show();
    Outbox.flush();
  });
  // Nobody asked for it: the bar says it, no message pops up.
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, (event) => {
      const { elt, xhr } = event.detail;
      if (elt !== root || ![0, 502, 503, 504].includes(xhr.status)) return;
      event.stopImmediatePropagation();
      hearSignal(false);
    }, true);
  }
  document.addEventListener("DOMContentLoaded", show); // for scripts that came after what was shown first
  window.addEventListener("offline", () => hearSignal(false));
  window.addEventListener("online", () => document.body.dispatchEvent(new CustomEvent("live-refresh")));
  Outbox.taps().then((found) => {
    taps = found;
    show();
  });
})();
