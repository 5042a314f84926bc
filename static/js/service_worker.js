// Shows what the office pushes, also when no page is open. Keeps the technician's day, so that it opens without signal,
// and sends the taps that wait. The server puts WORKER before this: day, logout, offline, static, taps, version.
importScripts(WORKER.taps);

const PAGES = "truckroll-day-1";
const ASSETS = `truckroll-assets-${WORKER.version}`;
const PATIENCE_MS = 3000; // then the last known day is better than an empty screen
const ASSET_PATIENCE_MS = 2000;
const KEPT_MS = 30 * 60 * 1000;
const HASHED = /\.[0-9a-f]{12}\.\w+$/; // such a file never changes
const USER = /data-user="(\d+)"/;
const VERSION = /data-version="(\d+)"[^>]*data-opened|data-as-of="(\d+)"[^>]*data-duty/;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepPage(WORKER.offline).catch(() => {}));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Only once the whole day is kept with the new ones: without signal the pages kept before need theirs.
async function dropOldAssets() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("truckroll-assets-") && name !== ASSETS).map((name) => caches.delete(name)));
}

// The day ------------------------------------------------------------------------------------------

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "POST" && url.pathname === WORKER.logout) event.respondWith(leave(request));
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && url.pathname.startsWith(WORKER.day)) event.respondWith(page(event, url.pathname));
  else if (url.pathname.startsWith(WORKER.static) && isOfDay(request)) event.respondWith(asset(event, url.pathname));
});

const isOfDay = (request) => request.referrer && new URL(request.referrer).pathname.startsWith(WORKER.day);
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function page(event, path) {
  const pages = await caches.open(PAGES);
  const kept = await pages.match(path);
  const fresh = fetch(event.request).then(async (response) => {
    const isAway = [502, 503, 504].includes(response.status);
    if (isAway || (kept && response.status >= 500)) throw new Error("The server is away.");
    event.waitUntil(hear(pages, path, response.clone()));
    return response;
  });
  event.waitUntil(fresh.catch(() => {}));
  if (kept) return Promise.race([fresh.catch(() => kept), later(PATIENCE_MS).then(() => kept)]);
  return fresh.catch(async () => (await pages.match(WORKER.offline)) || Response.error());
}

// Without signal nobody is logged out, and the day stays.
async function leave(request) {
  try {
    const response = await fetch(request);
    await forgetDay(await caches.open(PAGES));
    return response;
  } catch (error) {
    return Response.redirect(WORKER.day, 303);
  }
}

async function forgetDay(pages) {
  for (const request of await pages.keys()) if (new URL(request.url).pathname !== WORKER.offline) await pages.delete(request);
}

// Redirected to the login, nobody is logged in; told to stay out, it is nobody with a day. Then nobody's day stays here.
async function hear(pages, path, response) {
  const isShutOut = response.status === 403 && response.headers.has("X-Request-ID"); // by the server, not on the way to it
  if (response.type === "opaqueredirect" || response.redirected || isShutOut) await forgetDay(pages);
  else if (response.ok) await store(pages, path, response);
  else if (response.status === 404) await pages.delete(path);
}

async function store(pages, path, response) {
  const text = await response.text();
  if (!USER.test(text) && path !== WORKER.offline) return; // of something on the way, such as a hotel's network
  await forgetOthers(pages, text);
  const headers = new Headers(response.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  headers.set("X-Kept-At", Date.now());
  const version = VERSION.exec(text);
  headers.set("X-Kept-Version", version ? version[1] || version[2] : "");
  headers.set("X-Kept-By", WORKER.version);
  await pages.put(path, new Response(text.replace("<body ", "<body data-cached "), { headers }));
  await keepAssets(text);
}

async function forgetOthers(pages, text) {
  const user = USER.exec(text);
  if (!user) return;
  const kept = await pages.match("/-/user");
  if (kept && (await kept.text()) !== user[1]) await forgetDay(pages);
  await pages.put("/-/user", new Response(user[1]));
}

async function keepAssets(text) {
  const assets = await caches.open(ASSETS);
  const found = new Set(Array.from(text.matchAll(/(?:src|href)="([^"?]+)"/g), (match) => match[1]));
  for (const path of found) {
    if (!path.startsWith(WORKER.static) || (await assets.match(path))) continue;
    const response = await fetch(path).catch(() => null);
    if (response && isAsset(response)) await assets.put(path, response);
  }
}

const isAsset = (response) => response.ok && !/html/.test(response.headers.get("Content-Type"));

// A file without a hash in its name may be another one by now: the network is asked first, but not for long.
async function asset(event, path) {
  const assets = await caches.open(ASSETS);
  const kept = (await assets.match(path)) || (await caches.match(path)); // a former version's
  if (kept && HASHED.test(path)) return kept;
  const fresh = fetch(event.request).then((response) => {
    if (isAsset(response)) event.waitUntil(assets.put(path, response.clone()));
    return response;
  });
  return kept ? Promise.race([fresh.catch(() => kept), later(ASSET_PATIENCE_MS).then(() => kept)]) : fresh;
}

// The open page says what it shows: { pages: { path: version }, isWholeDay }.
self.addEventListener("message", (event) => {
  if (!event.data || !event.data.pages) return;
  event.waitUntil(keepDay(event.data).then((isKept) => event.source.postMessage({ isKept })));
});

async function keepDay({ pages: wanted, isWholeDay }) {
  const pages = await caches.open(PAGES);
  for (const request of isWholeDay ? await pages.keys() : []) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(`${WORKER.day}jobs/`) && !(pathname in wanted)) await pages.delete(request);
  }
  for (const [path, version] of Object.entries(wanted)) {
    const kept = await pages.match(path);
    const isNew = kept && kept.headers.get("X-Kept-By") === WORKER.version && Number(kept.headers.get("X-Kept-At")) > Date.now() - KEPT_MS;
    const isFresh = isNew && Number(kept.headers.get("X-Kept-Version")) >= Number(version);
    if (!isFresh && !(await keepPage(path))) return false;
  }
  if (isWholeDay) await dropOldAssets();
  return true;
}

async function keepPage(path) {
  const pages = await caches.open(PAGES);
  const response = await fetch(path, { credentials: "same-origin" }).catch(() => null);
  if (!response) return false;
  await hear(pages, path, response);
  return !response.redirected;
}

// Taps ---------------------------------------------------------------------------------------------

self.addEventListener("sync", (event) => {
  if (event.tag === "truckroll-outbox") event.waitUntil(sendTaps());
});

async function sendTaps() {
  const isEmpty = await Taps.sendStored();
  const tabs = new BroadcastChannel("truckroll-outbox");
  tabs.postMessage("answered");
  tabs.close();
  if (!isEmpty) throw new Error("Some taps wait still."); // the browser tries again
}

// Push ---------------------------------------------------------------------------------------------

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // Browsers want something shown for every push.
  }
  const options = {
    body: message.text ?? "",
    tag: `truckroll-${message.id ?? "notice"}`, // the same one sent twice is shown once
    icon: "/static/img/truckroll.svg",
    data: { url: message.url ?? "/" },
  };
  event.waitUntil(self.registration.showNotification(message.title ?? "Truckroll", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", self.location.origin);
  if (url.origin !== self.location.origin) return;
  // A window of its own: an open page may have half a note typed into it.
  event.waitUntil(self.clients.openWindow(url.href));
});
