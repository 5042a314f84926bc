// The bell: how many notifications are unread, a toast for each new one, the panel with the newest.
//
// Pages with a live connection hear of them (live-notified); the others ask once a minute. Without JavaScript the bell
// is a link to the list.
(() => {
  const bell = document.querySelector("[data-bell]");
  if (!bell) return;
  const panel = document.getElementById("bell-panel");
  const count = bell.querySelector("[data-bell-count]");
  const said = document.querySelector("[data-bell-said]");
  const POLL_MS = 60000;
  const TOAST_MS = 8000;
  let latest = Number(bell.dataset.latest);
  let asking = false;
  let again = false;

  function link(text, url) {
    const element = document.createElement("a");
    element.href = url;
    element.textContent = text;
    return element;
  }

  function toast(title, text, url) {
    const element = document.createElement("div");
    element.className = "toast notice-toast";
    const head = document.createElement("b");
    head.textContent = title;
    element.append(head, link(text, url));
    document.getElementById("toasts").append(element);
    let timer = setTimeout(() => element.remove(), TOAST_MS);
    // Whoever is about to follow it must not lose it.
    const stay = () => clearTimeout(timer);
    const leave = () => { timer = setTimeout(() => element.remove(), TOAST_MS / 2); };
    element.addEventListener("pointerenter", stay);
    element.addEventListener("focusin", stay);
    element.addEventListener("pointerleave", leave);
    element.addEventListener("focusout", leave);
  }

  function show({ unread, latest: newest, fresh, more }) {
    const was = bell.querySelector("[data-bell-number]").textContent;
    const number = unread > 99 ? "99+" : String(unread);
    bell.querySelector("[data-bell-number]").textContent = number;
    count.hidden = unread === 0;
    for (const one of [...fresh].reverse()) toast(one.title, one.text, one.url);
    if (more) toast("More notifications", "Show all", bell.href);
    // The toasts are announced by themselves; what remains is the number.
    if (number !== was) said.textContent = unread ? `${number} unread notification${unread === 1 ? "" : "s"}` : "No unread notifications";
    latest = Math.max(latest, newest);
  }

  async function ask() {
    again = true;
    if (asking) return;
    asking = true;
    try {
      while (again) {
        again = false;
        const answer = await fetch(`${bell.dataset.bellUrl}?after=${latest}`, { headers: { Accept: "application/json" } });
        if (answer.ok && !answer.redirected) show(await answer.json());
      }
    } catch {
      // Away from the server: the live indicator says so.
    } finally {
      asking = false;
    }
  }
  document.body.addEventListener("live-notified", ask);
  document.body.addEventListener("live-refresh", ask);
  if (!document.body.dataset.liveVersions) {
    setInterval(() => document.hidden || ask(), POLL_MS);
    document.addEventListener("visibilitychange", () => document.hidden || ask());
  }

  // The panel --------------------------------------------------------------------------------------

  const isOpen = () => panel.matches(":popover-open");
  let closesIt = false; // a press on the bell has closed the panel already: the click must not open it again
  bell.setAttribute("role", "button");
  bell.setAttribute("aria-haspopup", "dialog");
  bell.setAttribute("aria-expanded", "false");
  bell.addEventListener("pointerdown", () => { closesIt = isOpen(); });
  bell.addEventListener("keydown", (event) => {
    closesIt = isOpen();
    if (event.key === " ") {
      event.preventDefault();
      bell.click();
    }
  });
  document.addEventListener("htmx:confirm", (event) => {
    if (event.detail.elt !== bell || !closesIt) return;
    event.preventDefault();
    closesIt = false;
    if (isOpen()) panel.hidePopover();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== panel) return;
    const content = panel.querySelector("[data-bell-content]");
    if (!isOpen()) panel.showPopover();
    // Marking one as read takes its button away, and the focus with it.
    if (!panel.contains(document.activeElement)) content.focus({ preventScroll: true });
  });
  panel.addEventListener("toggle", (event) => {
    const isOpening = event.newState === "open";
    bell.setAttribute("aria-expanded", String(isOpening));
    if (isOpening) return;
    panel.textContent = "";
    if (document.activeElement === document.body) bell.focus({ preventScroll: true });
  });
})();
