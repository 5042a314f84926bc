// While the day is open and its technician is on shift, the office sees where they are; the page says so. It ends with
// the shift and rests during breaks. The browser is asked only when the button is pressed, or has allowed it before.
(() => {
  const { positionUrl, sharingSeconds } = document.body.dataset;
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const root = document.querySelector("[data-phone-root]");
  const EVERY_MS = Number(sharingSeconds) * 1000;
  if (!navigator.geolocation || !navigator.permissions || !positionUrl) return;
  let duty = "";
  let permission = null;
  let sharedAt = "";
  let lastTry = 0;

  const isWanted = () => Boolean(duty === "on" && permission && permission.state === "granted");

  function say() {
    const box = root.querySelector("[data-sharing]");
    if (!box || !permission) return;
    const texts = {
      granted: `The office sees where you are while this page is open, until you clock out.${sharedAt ? ` Last at ${sharedAt}.` : ""}`,
      prompt: "The office does not see where you are.",
      denied: "The office does not see where you are: this browser does not allow it.",
    };
    const text = duty === "break" ? "The office does not see where you are during your break." : texts[permission.state];
    box.classList.toggle("is-on", isWanted());
    const shown = box.querySelector("[data-sharing-text]");
    if (shown.textContent !== text) shown.textContent = text;
    box.querySelector("[data-share]").hidden = duty !== "on" || permission.state !== "prompt";
  }

  async function send({ coords: { latitude, longitude, accuracy }, timestamp }) {
    const body = new URLSearchParams({ latitude, longitude, accuracy, fix_at: Math.round(timestamp) });
    const response = await fetch(positionUrl, { method: "POST", headers, body });
    const answer = response.ok ? await response.json() : {};
    if (answer.is_shared) sharedAt = answer.at;
    else lastTry = 0; // the tap that clocks in is still on its way
    say();
  }

  function share() {
    lastTry = Date.now();
    const options = { maximumAge: EVERY_MS / 2, timeout: 10000, enableHighAccuracy: true };
    navigator.geolocation.getCurrentPosition((position) => send(position).catch(() => {}), () => {}, options);
  }

  function tick() {
    if (isWanted() && !document.hidden && navigator.onLine && Date.now() - lastTry >= EVERY_MS) share();
  }

  document.addEventListener("day-shown", (event) => {
    ({ duty } = event.detail);
    if (duty !== "on") sharedAt = "";
    say();
    tick();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-share]")) share();
  });
  document.addEventListener("visibilitychange", tick);
  setInterval(tick, 5000);
  navigator.permissions.query({ name: "geolocation" }).then((found) => {
    permission = found;
    found.onchange = () => {
      say();
      tick();
    };
    say();
    tick();
  }).catch(() => {});
})();
