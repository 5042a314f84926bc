// What technicians tap is kept on the phone until the server has it: in order, once each, whatever happens to the page.
//
//   Outbox.add({ kind, job, content, file, name, says })  keeps a tap and sends it as soon as there is signal
//   Outbox.taps()  the user's taps in order; state: waiting, done (the page does not show it yet), kept, refused
//   Outbox.drop(id), Outbox.tryAgain(tap), Outbox.flush()
//   `outbox-changed` (detail.taps) and `outbox-answered` (detail.taps) are dispatched on document
//
// A form becomes a tap: <form data-tap="check" data-job="12" data-says="Filter changed">. Its named fields are the
// content, except csrfmiddlewaretoken, id, kind, job and page, which it has for browsers without JavaScript. A checkbox
// and a field with data-as="boolean" are true or false, a number field and data-as="number" a number, or null if empty.
// With data-with-position the place goes along. A file field is no content: call Outbox.add. Taps of pictures are sent
// after all others, each by itself: a slow or impossible upload holds up no status.
const Outbox = (() => {
  const { newId, putState, tapsOf, insert, change, remove, locked, deliver } = Taps;
  const LOCATE_MS = 4000;
  const DOUBLE_TAP_MS = 600;
  const NOT_CONTENT = ["csrfmiddlewaretoken", "id", "kind", "job", "page"];

  const { user, tapsUrl, picturesUrl, pageUrl } = document.body.dataset;
  const session = { user, tapsUrl, picturesUrl, pageUrl, token: JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] };
  const channel = "BroadcastChannel" in self ? new BroadcastChannel("truckroll-outbox") : null;
  let failures = 0;
  let timer = null;
  let flushing = null;
  let again = false;
  let trouble = ""; // later, login, other-user or closed: why what waits is still there
  let sentence = ""; // the server's, where there is one

  const taps = () => tapsOf(user);

  async function tellChange() {
    document.dispatchEvent(new CustomEvent("outbox-changed", { detail: { taps: await taps(), trouble, sentence } }));
  }
  function answered(settled) {
    document.dispatchEvent(new CustomEvent("outbox-answered", { detail: { taps: settled } }));
    tellTabs("answered");
    return tellChange();
  }
  function tellTabs(what) {
    if (channel) channel.postMessage(what);
  }
  if (channel) channel.onmessage = (message) => {
    if (message.data === "answered") document.dispatchEvent(new CustomEvent("outbox-answered", { detail: { taps: [] } }));
    tellChange();
  };

  function locate() {
    return new Promise((resolve) => {
      if (!navigator.geolocation) return resolve(null);
      const giveUp = setTimeout(() => resolve(null), LOCATE_MS + 500); // a question left unanswered has no timeout
      const done = (position) => {
        clearTimeout(giveUp);
        resolve(position);
      };
      const options = { maximumAge: 15000, timeout: LOCATE_MS, enableHighAccuracy: true };
      return navigator.geolocation.getCurrentPosition(done, () => done(null), options);
    });
  }

  async function attachPlace(id) {
    const position = await locate();
    const values = { held_until: 0 };
    if (position) {
      const { latitude, longitude, accuracy } = position.coords;
      values.fix = { latitude, longitude, accuracy, fix_at: Math.round(position.timestamp) };
    }
    await change(id, values);
    flush();
  }

  async function add({ kind, job = null, content = {}, file = null, name = "", says = "", number = "", withPosition = false }) {
    const tap = {
      id: newId(), user, kind, job: job === null ? null : Number(job), tapped_at: Date.now(), offset: Taps.clockOffset(), content, fix: null, file, name,
      says: says || kind, number, state: "waiting", held_until: withPosition ? Date.now() + LOCATE_MS + 500 : 0,
    };
    await insert(tap);
    if (withPosition) attachPlace(tap.id);
    await tellChange();
    tellTabs("added");
    failures = 0;
    flush();
    askForSync();
    return tap;
  }

  // As another one: of the old one the server may have said once and for all that it was not taken.
  async function tryAgain(tap) {
    const same = { ...tap, id: newId(), state: "waiting", held_until: 0 };
    delete same.n; // its place in the order
    await insert(same);
    await drop(tap.id);
    promptly();
  }

  async function drop(id) {
    await remove(id);
    tellTabs("dropped");
    await tellChange();
  }

  function askForSync() {
    if (!("serviceWorker" in navigator)) return;
    navigator.serviceWorker.getRegistration("/").then((registration) => registration && registration.sync && registration.sync.register("truckroll-outbox")).catch(() => {});
  }

  async function flushOnce() {
    const { outcome, wait, error = "" } = await locked(() => deliver(session, answered)).catch(() => ({ outcome: "later" }));
    const before = trouble;
    sentence = error;
    trouble = ["empty", "held"].includes(outcome) ? "" : outcome;
    failures = trouble ? failures + 1 : 0;
    if (trouble !== before) await tellChange();
    clearTimeout(timer);
    if (outcome === "held") timer = setTimeout(flush, 1000);
    if (trouble) timer = setTimeout(flush, Math.max(wait || 0, Math.min(60000, Taps.TIMES.retryMs * 2 ** failures)) * (0.8 + Math.random() * 0.4));
  }

  function flush() {
    if (flushing) {
      again = true;
      return flushing;
    }
    flushing = flushOnce().catch(() => {}).then(() => {
      flushing = null;
      if (again) {
        again = false;
        flush();
      }
    });
    return flushing;
  }

  function promptly() {
    failures = 0;
    flush();
  }

  // Forms ------------------------------------------------------------------------------------------

  function valueOf(field) {
    const as = field.dataset.as || (field.type === "checkbox" ? "boolean" : field.type === "number" ? "number" : "");
    if (field.type === "checkbox") return field.checked;
    if (as === "boolean") return ["true", "on", "1", "True"].includes(field.value);
    if (as === "number") return field.value.trim() === "" ? null : Number(field.value);
    return field.value;
  }

  function contentOf(form, button) {
    const content = {};
    for (const field of form.elements) {
      if (!field.name || NOT_CONTENT.includes(field.name) || field.disabled || field.type === "file") continue;
      if (field.tagName === "BUTTON" && field !== button) continue;
      if (field.type === "radio" && !field.checked) continue;
      content[field.name] = valueOf(field);
    }
    return content;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-tap]")) return;
    if (event.defaultPrevented) return; // somebody objects
    event.preventDefault();
    if (Date.now() - Number(form.dataset.tappedAt || 0) < DOUBLE_TAP_MS) return;
    form.dataset.tappedAt = Date.now();
    const button = event.submitter || form.querySelector("button");
    const { tap: kind, job = null, number = "", says } = form.dataset;
    const withPosition = "withPosition" in form.dataset;
    add({ kind, job, number, content: contentOf(form, button), says: says || button.textContent.trim(), withPosition });
    form.reset();
    const done = form.closest("details");
    if (done) done.open = false;
    // A field with the focus would keep the page from being refreshed, as what is being typed in does.
    if (form.contains(document.activeElement)) button.focus();
  });

  // The page says when it was made. What was kept on the phone was made long ago.
  const asOf = () => Number(document.querySelector("[data-phone-root] [data-day-state]").dataset.asOf);
  const [loading] = performance.getEntriesByType("navigation");
  if (loading && loading.type !== "back_forward" && !("cached" in document.body.dataset)) {
    Taps.hearClock(asOf(), Date.now() - performance.now() + loading.responseStart);
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.matches("[data-phone-root]")) Taps.hearClock(asOf());
  });

  window.addEventListener("online", promptly);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) promptly();
  });
  putState("session", session).catch(() => {});
  tellChange();
  flush();
  return { add, taps, drop, tryAgain, flush: promptly };
})();
