// The technician's phone: the position goes along with each tap, typed text survives a refresh, changes are marked.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const MAX_WAIT_MS = 4000;
  const SETTLE_MS = 800; // the second half of a double tap must not hit the button that replaced the first
  const SEEN = "truckroll-seen-jobs";

  // Position ---------------------------------------------------------------------------------------

  function fill(form, name, value) {
    let input = form.elements.namedItem(name);
    if (!input) {
      input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      form.append(input);
    }
    input.value = value ?? "";
  }

  function locate() {
    return new Promise((resolve) => {
      if (!navigator.geolocation) return resolve(null);
      const timer = setTimeout(() => resolve(null), MAX_WAIT_MS + 500); // a question left unanswered has no timeout
      const done = (position) => {
        clearTimeout(timer);
        resolve(position);
      };
      const options = { maximumAge: 15000, timeout: MAX_WAIT_MS, enableHighAccuracy: true };
      return navigator.geolocation.getCurrentPosition(done, () => done(null), options);
    });
  }

  document.addEventListener("htmx:confirm", async (event) => {
    const form = event.detail.elt;
    if (!form.matches("form[data-with-position]")) return;
    event.preventDefault();
    if (form.dataset.locating) return;
    form.dataset.locating = "yes";
    const button = form.querySelector("button");
    button?.setAttribute("aria-busy", "true");
    const position = await locate();
    if (position) {
      fill(form, "latitude", position.coords.latitude);
      fill(form, "longitude", position.coords.longitude);
      fill(form, "accuracy", position.coords.accuracy);
      fill(form, "fix_at", Math.round(position.timestamp));
    }
    delete form.dataset.locating;
    button?.removeAttribute("aria-busy");
    event.detail.issueRequest(true);
  });

  // Refreshing -------------------------------------------------------------------------------------

  const stale = document.getElementById("phone-stale");
  const gone = document.getElementById("phone-gone");
  const isRefresh = (event) => (event.detail.requestConfig ?? event.detail).elt === root;

  function isTyping() {
    const fields = [...root.querySelectorAll("textarea, input:not([type=hidden])")];
    return fields.some((field) => field.value.trim() !== "" || field === document.activeElement);
  }

  const isTapping = () => document.querySelector("form[data-locating]") !== null;
  const refresh = () => document.body.dispatchEvent(new CustomEvent("live-refresh"));

  let waiting = false;
  document.addEventListener("htmx:confirm", (event) => {
    if (!isRefresh(event) || !(isTyping() || isTapping())) return;
    event.preventDefault();
    waiting = true;
  });
  // What was asked for before may arrive in the middle of a word or a tap.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isRefresh(event) || event.detail.target !== root || !(isTyping() || isTapping())) return;
    event.detail.shouldSwap = false;
    waiting = true;
  });
  setInterval(() => {
    if (stale) stale.hidden = !(waiting && isTyping());
    if (!waiting || isTyping() || isTapping()) return;
    waiting = false;
    refresh();
  }, 500);

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status !== 404) return;
    if (!gone) {
      refresh();
      return;
    }
    gone.hidden = false;
    root.querySelector(".phone-foot")?.remove();
  });

  const shownSteps = () => [...root.querySelectorAll(".pause[data-step], .phone-foot [data-step]")].map((each) => each.dataset.step).join();
  let shownStep = shownSteps();
  let readyAt = 0;

  function settle() {
    const wait = readyAt - Date.now();
    for (const button of root.querySelectorAll(":is(.phone-foot, .pause) button")) button.disabled = wait > 0;
    if (wait > 0) setTimeout(settle, wait);
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== root) return;
    if (event.detail.requestConfig.verb === "post") waiting = false;
    if (shownSteps() !== shownStep) readyAt = Date.now() + SETTLE_MS;
    shownStep = shownSteps();
    if (Date.now() < readyAt) settle();
    look(event.detail.requestConfig);
  });

  // What is new ------------------------------------------------------------------------------------

  function readSeen() {
    try {
      return JSON.parse(sessionStorage.getItem(SEEN));
    } catch {
      return null;
    }
  }

  function look(request) {
    const stored = readSeen();
    const seen = stored ?? {};
    const own = request?.verb === "post" ? request.elt?.dataset?.job : null;
    for (const element of root.querySelectorAll("[data-job][data-version]")) {
      const { job, version } = element.dataset;
      const mark = element.querySelector("[data-mark]");
      if (!stored || job === own || "opened" in element.dataset) seen[job] = version;
      if (mark && seen[job] !== version) {
        mark.textContent = job in seen ? "Changed" : "New";
        mark.hidden = false;
      }
    }
    try {
      sessionStorage.setItem(SEEN, JSON.stringify(seen));
    } catch {
      // Private mode: nothing is marked.
    }
    preferMapsApp();
  }

  // Android opens geo: links in the technician's own choice of maps app; elsewhere they lead nowhere.
  function preferMapsApp() {
    if (!/Android/.test(navigator.userAgent)) return;
    for (const link of root.querySelectorAll("a[data-geo]")) {
      link.href = link.dataset.geo;
      link.removeAttribute("target");
    }
  }

  look();
})();
