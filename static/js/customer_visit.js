// Keeps a customer's page up to date. Without it the page says as much when it is opened again.
//
// The server only says that there is news (events/, Server-Sent Events); the page then asks for itself and takes over
// what is shown. Forms are replaced only when others are due, and never while somebody types in them.
(() => {
  const live = document.getElementById("visit-live");
  if (!live || !window.fetch || !window.DOMParser) return;
  const LATEST_MS = { en_route: 30000 }; // asked for at least this often
  const page = live.dataset.page; // after a form with errors the address is the form's
  if (location.search) history.replaceState(null, "", page); // loaded again, it does not say “Sent” again
  let timer = null;
  let asking = false;
  let again = false;
  let stream = null;

  const stage = () => document.getElementById("visit-live").dataset.stage;

  function say(word) {
    const place = document.querySelector("[data-live-word]");
    if (place) place.textContent = word;
  }

  function take(fresh, id) {
    const old = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (!old || !next || old.outerHTML === next.outerHTML) return false;
    old.replaceWith(document.importNode(next, true));
    return true;
  }

  function takeForms(fresh) {
    const old = document.getElementById("visit-forms");
    const next = fresh.getElementById("visit-forms");
    if (!old || !next || old.dataset.forms === next.dataset.forms) return;
    const typed = [...old.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
    const goes = !next.dataset.forms.includes("w") && old.dataset.forms.includes("w");
    if (old.contains(document.activeElement) || (typed && !goes)) return;
    old.replaceWith(document.importNode(next, true));
  }

  async function ask() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    clearTimeout(timer);
    try {
      const answer = await fetch(page, { headers: { "X-Live": "1" }, credentials: "same-origin", cache: "no-store" });
      if (answer.status === 404) {
        location.reload(); // the link is over: the page itself says so
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const headline = document.getElementById("visit-headline").textContent;
      take(fresh, "visit-live");
      if (take(fresh, "visit-said")) document.getElementById("said")?.remove(); // it spoke of how it was before
      takeForms(fresh);
      const now = document.getElementById("visit-headline").textContent;
      if (now !== headline) {
        document.getElementById("visit-news").textContent = now; // for whoever listens instead of looking
        document.getElementById("visit-live").classList.add("flash");
      }
      say(stream && stream.readyState === 1 ? " · live" : "");
    } catch {
      say(" · no connection, trying again");
    } finally {
      asking = false;
      timer = setTimeout(ask, LATEST_MS[stage()] ?? 60000);
      if (again) {
        again = false;
        setTimeout(ask, 1000);
      }
    }
  }

  function listen() {
    if (!window.EventSource || stream) return;
    stream = new EventSource(`${page}events/`);
    stream.onopen = () => ask(); // also whoever comes back
    stream.onmessage = () => ask();
    stream.onerror = () => say("");
  }

  function rest() {
    stream?.close();
    stream = null;
    clearTimeout(timer);
  }

  // A page in a pocket needs no news; looked at again, it asks at once.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) rest();
    else {
      listen();
      ask();
    }
  });
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", (event) => event.persisted && listen());
  timer = setTimeout(ask, LATEST_MS[stage()] ?? 60000);
  if (!document.hidden) listen();
})();
