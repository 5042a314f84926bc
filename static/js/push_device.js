// “Notify me on this device”: asks the browser for permission and a push subscription, only when it is clicked.
(() => {
  const box = document.querySelector("[data-push]");
  if (!box?.dataset.key) return;
  const button = box.querySelector("[data-push-button]");
  const text = box.querySelector("[data-push-text]");
  const known = new Set(JSON.parse(box.dataset.known));
  let subscribed = null; // the subscription of this browser that the server knows

  const tell = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));

  function show(sentence, label = "") {
    box.hidden = false;
    text.textContent = sentence;
    text.hidden = sentence === "";
    button.hidden = label === "";
    button.textContent = label;
  }

  function bytes(base64) {
    const text = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  async function fingerprint(endpoint) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function deviceName() {
    const brands = navigator.userAgentData?.brands?.map((one) => one.brand).filter((name) => !/not.?a.?brand/i.test(name)) ?? [];
    const browser = brands.find((name) => name !== "Chromium") ?? brands[0] ?? navigator.userAgent.match(/(Firefox|Edg|OPR|Chrome|Safari)/)?.[1] ?? "Browser";
    const system = navigator.userAgentData?.platform || navigator.userAgent.match(/(Android|iPhone|iPad|Windows|Mac OS X|Linux)/)?.[1] || "";
    return [browser, system].filter(Boolean).join(" on ").slice(0, 120);
  }

  async function post(url, fields) {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    const answer = await fetch(url, { method: "POST", headers, body: new URLSearchParams(fields) });
    if (!answer.ok) throw new Error(answer.status === 422 ? await answer.text() : `The server could not do this (${answer.status}).`);
  }

  async function look() {
    if (!window.isSecureContext) return show("Push needs HTTPS: open Truckroll by its https address.");
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      return show("This browser takes no push. On an iPhone, add Truckroll to the home screen first.");
    }
    if (Notification.permission === "denied") {
      return show("This browser does not allow notifications from Truckroll. You can allow them in its site settings.");
    }
    const registration = await navigator.serviceWorker.getRegistration("/");
    const present = await registration?.pushManager.getSubscription();
    subscribed = present && known.has(await fingerprint(present.endpoint)) ? present : null;
    if (subscribed) return show("This device is told even when Truckroll is not open.", "Stop on this device");
    return show("", "Notify me on this device");
  }

  async function start() {
    if ((await Notification.requestPermission()) !== "granted") return;
    const { worker, key, add } = box.dataset;
    await navigator.serviceWorker.register(worker, { scope: "/" });
    const registration = await navigator.serviceWorker.ready;
    // One of another account on this device, or for a key that the server no longer has, is of no use.
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: bytes(key) };
    const subscription = await registration.pushManager.subscribe(options);
    const { endpoint, keys } = subscription.toJSON();
    await post(add, { endpoint, p256dh: keys.p256dh, auth: keys.auth, device: deviceName() });
    known.add(await fingerprint(endpoint));
    tell({ text: "This device is told from now on." });
  }

  async function stop() {
    const { endpoint } = subscribed;
    await subscribed.unsubscribe();
    await post(box.dataset.remove, { endpoint });
    known.delete(await fingerprint(endpoint));
    tell({ text: "This device is told nothing any more." });
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (subscribed ? stop() : start());
    } catch (error) {
      tell({ text: `That did not work: ${error.message}`, kind: "error" });
    } finally {
      button.disabled = false;
      await look();
    }
  });
  look().catch(() => show("This browser takes no push."));
})();
