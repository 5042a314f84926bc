// The technician's phone: typed text survives a refresh, a double tap takes one step, changes are marked.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const SETTLE_MS = Taps.TIMES.settleMs; // the second half of a double tap must not hit the button that replaced the first

  // Refreshing -------------------------------------------------------------------------------------

  const stale = document.getElementById("phone-stale");
  const gone = document.getElementById("phone-gone");
  const isRefresh = (event) => (event.detail.requestConfig ?? event.detail).elt === root;

  function isTyping() {
    const fields = [...root.querySelectorAll("textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])")];
    return fields.some((field) => field.value.trim() !== field.defaultValue.trim() || field === document.activeElement);
  }

  const refresh = () => document.body.dispatchEvent(new CustomEvent("live-refresh"));

  let waiting = false;
  let insists = false; // after an own tap the page is exchanged even while something is typed, which is put back
  document.addEventListener("htmx:confirm", (event) => {
    if (!isRefresh(event) || !isTyping() || insists) return;
    if (document.body.classList.contains("no-signal")) return; // whether there is one again shows by the answer
    if (shownJobs().some((element) => isOwn(element.dataset.job))) {
      insists = true;
      return;
    }
    event.preventDefault();
    waiting = true;
  });
  // What was asked for before may arrive in the middle of a word or a tap.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === root) unfolded = [...document.querySelectorAll("details[open][id]")].map(({ id }) => id);
    if (!isRefresh(event) || event.detail.target !== root || !isTyping()) return;
    if (insists) {
      typed = typedFields();
      return;
    }
    event.detail.shouldSwap = false;
    waiting = true;
  });

  let typed = [];
  let unfolded = []; // stays open when the day comes anew

  function typedFields() {
    const fields = [...root.querySelectorAll("textarea[id], input[id]:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file])")];
    const wanted = fields.filter((field) => field.value !== field.defaultValue || field === document.activeElement);
    return wanted.map((field) => ({ id: field.id, value: field.value, hadFocus: field === document.activeElement }));
  }

  function putBack() {
    insists = false;
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    unfolded = [];
    for (const { id, value, hadFocus } of typed) {
      const field = document.getElementById(id);
      if (!field) continue;
      field.value = value;
      const more = field.closest("details");
      if (more && value) more.open = true;
      if (hadFocus) field.focus();
    }
    typed = [];
  }
  setInterval(() => {
    if (stale) stale.hidden = !(waiting && isTyping());
    if (!waiting || isTyping()) return;
    waiting = false;
    refresh();
  }, 500);

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 403 && xhr.getResponseHeader("X-Request-ID")) location.reload(); // the page itself says why
    if (xhr.status !== 404) return;
    if (!gone) {
      refresh();
      return;
    }
    gone.hidden = false;
    root.querySelector(".phone-foot")?.remove();
  });

  // The page shows the next step at once, before the server knows of the last.
  const shownSteps = () => {
    const buttons = [...root.querySelectorAll(".pause [data-step], .phone-foot [data-step]")];
    return buttons.filter((each) => each.offsetParent).map((each) => each.dataset.step).join();
  };
  let shownStep = shownSteps();
  let readyAt = 0;

  function settle() {
    const wait = readyAt - Date.now();
    for (const button of root.querySelectorAll(".phone-foot button, .pause button")) button.disabled = wait > 0;
    if (wait > 0) setTimeout(settle, wait);
  }

  document.addEventListener("day-shown", () => {
    if (shownSteps() === shownStep) return;
    shownStep = shownSteps();
    readyAt = Date.now() + SETTLE_MS;
    settle();
  });

  document.addEventListener("outbox-answered", () => {
    waiting = false;
    insists = true;
    refresh();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== root) return;
    if (event.detail.requestConfig.verb === "post") waiting = false;
    putBack();
    if (Date.now() < readyAt) settle();
    look();
    preferMapsApp();
  });

  // What is new ------------------------------------------------------------------------------------

  const key = `truckroll-seen-${document.body.dataset.user}`;
  const own = new Map(); // jobs that this technician has changed: until when a new version is taken for that
  const OWN_MS = 10000;
  const isOwn = (job) => own.get(job) > Date.now();

  function readSeen() {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  function keepSeen(seen) {
    try {
      localStorage.setItem(key, JSON.stringify(seen));
    } catch {
      // Private mode: nothing is marked.
    }
  }

  const stateOf = () => root.querySelector("[data-day-state]") || { dataset: {} };
  const shownJobs = () => [...root.querySelectorAll("[data-job][data-version]")];
  const FACTS = {
    time: (was, is) => (was && is ? `Time ${was} → ${is}` : is ? `Time ${is}` : "No time set"),
    block: (was, is) => (was && is ? `Block ${was} → ${is}` : is ? `Block ${is}` : "No block"),
    where: () => "Other address",
    title: () => "Other work",
    hold: (was, is) => (is ? "On hold" : "Off hold"),
    priority: (was, is) => `Priority ${is}`,
    access: () => "Other way in",
    said: () => "Customer wrote",
  };

  function factsOf({ dataset }) {
    const { version, number } = dataset;
    const facts = { version, number };
    for (const name of Object.keys(FACTS)) facts[name] = dataset[name];
    return facts;
  }

  function changeOf(before, now) {
    const changed = Object.keys(FACTS).filter((name) => before[name] !== undefined && before[name] !== now[name]);
    return changed.map((name) => FACTS[name](before[name], now[name])).join(" · ") || "Details changed";
  }

  function look() {
    const { today } = stateOf().dataset;
    const stored = readSeen();
    const isNewDay = Boolean(today) && (!stored || stored.day !== today);
    const seen = isNewDay ? { day: today, jobs: {} } : stored;
    if (!seen) return;
    const news = [];
    for (const element of shownJobs()) {
      const now = factsOf(element);
      const before = seen.jobs[element.dataset.job];
      if (isNewDay || isOwn(element.dataset.job) || "opened" in element.dataset) seen.jobs[element.dataset.job] = now;
      const mark = element.querySelector("[data-mark]");
      const isNews = !isNewDay && !isOwn(element.dataset.job) && (!before || before.version !== now.version);
      if (!mark) continue;
      mark.hidden = !isNews;
      mark.textContent = before ? changeOf(before, now) : "New";
      if (isNews) news.push(before ? "changed" : "new");
    }
    keepSeen(seen);
    if (today) showChanges(seen, news);
  }

  function showChanges(seen, news) {
    const notice = root.querySelector("[data-changes]");
    const here = new Set(shownJobs().map((element) => element.dataset.job));
    const gone = Object.entries(seen.jobs).filter(([job]) => !here.has(job)).map(([, facts]) => facts);
    const parts = ["new", "changed"].map((what) => [news.filter((one) => one === what).length, what]).filter(([count]) => count).map(([count, what]) => `${count} ${what}`);
    for (const facts of gone) parts.push(`${facts.number} ${facts.title} is no longer in your day`);
    notice.hidden = parts.length === 0;
    notice.querySelector("[data-changes-text]").textContent = `Since you last looked: ${parts.join(", ")}.`;
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-changes-seen]")) return;
    const seen = readSeen();
    if (!seen) return;
    seen.jobs = {};
    for (const element of shownJobs()) seen.jobs[element.dataset.job] = factsOf(element);
    keepSeen(seen);
    look();
  });

  const counted = new Set();
  document.addEventListener("outbox-changed", (event) => {
    const { asOf = 0 } = stateOf().dataset;
    const fresh = event.detail.taps.filter((tap) => tap.job && tap.state === "done" && tap.answered_at > asOf - OWN_MS && !counted.has(tap.id));
    for (const tap of fresh) {
      counted.add(tap.id);
      own.set(String(tap.job), Date.now() + OWN_MS);
    }
    if (fresh.length) look();
  });

  // Android opens geo: links in the technician's own choice of maps app; elsewhere they lead nowhere.
  function preferMapsApp() {
    if (!/Android/.test(navigator.userAgent)) return;
    for (const link of root.querySelectorAll("a[data-geo]")) {
      link.href = link.dataset.geo;
      link.removeAttribute("target");
    }
  }

  look();
  preferMapsApp();
})();
