// Taps as the phone keeps them, and how they reach the server. The service worker imports it too: here is no page.
const Taps = (() => {
  const TIMES = { settleMs: 800, retryMs: 1000, ...self.PHONE_TIMES }; // tests have less patience
  const BATCH = 50;
  const PATIENCE_MS = 20000;
  const UPLOAD_PATIENCE_MS = 180000;
  const LEASE_MS = 30000;
  const MAX_HELD_MS = 10000; // the phone's clock may be set back while a place is looked for
  const MOST_STRANGE = 3;
  const CLOCK_SLACK_MS = 30000;
  const me = newId();

  function newId() {
    if (self.crypto.randomUUID) return crypto.randomUUID(); // not on old phones, and only with HTTPS
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  }

  // Clock ------------------------------------------------------------------------------------------

  // The server's clock minus the phone's, as heard last. It is only sure as long as the phone's clock has gone on evenly
  // since: it was neither put right nor did the phone sleep.
  let heard = null;
  const sinceStart = () => Date.now() - performance.now();

  function hearClock(serverNow, at = Date.now()) {
    heard = { offset: serverNow - at, sinceStart: sinceStart() };
  }

  function clockOffset() {
    return heard && Math.abs(sinceStart() - heard.sinceStart) < CLOCK_SLACK_MS ? Math.round(heard.offset) : null;
  }

  // Store ------------------------------------------------------------------------------------------

  let opening = null;
  const memory = []; // where the browser keeps nothing: better than losing the tap at once

  function open() {
    opening = opening || new Promise((resolve, reject) => {
      const request = indexedDB.open("truckroll-phone", 1);
      request.onupgradeneeded = () => {
        const taps = request.result.createObjectStore("taps", { keyPath: "n", autoIncrement: true });
        taps.createIndex("id", "id", { unique: true });
        request.result.createObjectStore("state");
      };
      request.onsuccess = () => {
        request.result.onversionchange = request.result.onclose = () => {
          request.result.close();
          opening = null;
        };
        resolve(request.result);
      };
      request.onerror = () => {
        opening = null; // the next tap tries again
        reject(request.error);
      };
    });
    return opening;
  }

  async function within(name, mode, work) {
    const begin = async () => (await open()).transaction(name, mode, { durability: "strict" });
    const transaction = await begin().catch(() => {
      opening = null; // some browsers close it without a word
      return begin();
    });
    return new Promise((resolve, reject) => {
      const answer = { value: undefined };
      transaction.oncomplete = () => resolve(answer.value);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      work(transaction.objectStore(name), (value) => { answer.value = value; });
    });
  }

  const getState = (key) => within("state", "readonly", (store, is) => {
    const request = store.get(key);
    request.onsuccess = () => is(request.result);
  });
  const putState = (key, value) => within("state", "readwrite", (store) => store.put(value, key));

  async function allTaps() {
    const stored = await within("taps", "readonly", (store, is) => {
      const request = store.getAll();
      request.onsuccess = () => is(request.result);
    }).catch(() => []);
    return [...stored, ...memory];
  }
  const tapsOf = async (user) => (await allTaps()).filter((tap) => tap.user === user);

  // What had no place before goes first: what is stored is sent before what is not.
  async function insert(tap) {
    const before = tap.file ? [] : memory.filter((one) => !one.file);
    try {
      await within("taps", "readwrite", (store) => {
        for (const one of before) store.add({ ...one, isFleeting: false });
        store.add(tap);
      });
      for (const one of before) memory.splice(memory.indexOf(one), 1);
    } catch (error) {
      memory.push(Object.assign(tap, { isFleeting: true }));
    }
  }

  async function change(id, values) {
    const kept = memory.find((tap) => tap.id === id);
    if (kept) return Object.assign(kept, values);
    return within("taps", "readwrite", (store) => {
      const request = store.index("id").get(id);
      request.onsuccess = () => request.result && store.put(Object.assign(request.result, values));
    });
  }

  async function remove(id) {
    const at = memory.findIndex((tap) => tap.id === id);
    if (at >= 0) return memory.splice(at, 1);
    return within("taps", "readwrite", (store) => {
      const request = store.index("id").getKey(id);
      request.onsuccess = () => request.result !== undefined && store.delete(request.result);
    });
  }

  // Sending ----------------------------------------------------------------------------------------

  function locked(work) {
    return self.navigator.locks ? navigator.locks.request("truckroll-outbox", work) : leased(work);
  }

  // Old phones, and sites without HTTPS: whoever holds the lease sends. Sent twice by two tabs, a tap still counts once.
  async function leased(work) {
    const mine = await within("state", "readwrite", (store, is) => {
      const request = store.get("lease");
      request.onsuccess = () => {
        const free = !request.result || request.result.owner === me || request.result.until < Date.now();
        if (free) store.put({ owner: me, until: Date.now() + LEASE_MS }, "lease");
        is(free);
      };
    }).catch(() => true);
    if (!mine) return { outcome: "later" };
    return work().finally(() => putState("lease", null).catch(() => {}));
  }

  const isHeld = (tap) => tap.held_until > Date.now() && tap.held_until < Date.now() + MAX_HELD_MS;

  function nextBatch(waiting) {
    const words = waiting.filter((tap) => !tap.file);
    const held = words.findIndex(isHeld);
    if (held > 0 || (held < 0 && words.length)) return words.slice(0, held < 0 ? BATCH : Math.min(held, BATCH));
    return held < 0 ? waiting.filter((tap) => !isHeld(tap)).slice(0, 1) : [];
  }

  // Resolves with { outcome }: empty, held, later, login, other-user, closed (with the error).
  async function deliver(session, tell) {
    let renewed = false;
    for (;;) {
      const waiting = (await tapsOf(session.user)).filter((tap) => tap.state === "waiting");
      if (!waiting.length) return { outcome: "empty" };
      const batch = nextBatch(waiting);
      if (!batch.length) return { outcome: "held" };
      const answer = await post(session, batch);
      if (answer.outcome === "login" && !renewed) {
        renewed = true;
        const outcome = await renew(session);
        if (outcome !== "renewed") return { outcome };
      } else if (answer.outcome === "answered") {
        if (!(await settle(batch, answer, tell))) return { outcome: "later" };
      } else if (answer.outcome === "broken" || (await isHopeless(session, batch, answer))) {
        if (!(await divide(session, batch, answer, tell))) return { outcome: "later" };
      } else return isStrange(answer) ? { outcome: "later" } : answer;
    }
  }

  // Something on the way refused it: a proxy's limit, or a stranger's network that lets nothing through. Tried again; but
  // if our own server answers all the while, it is this tap that does not get through.
  const isStrange = ({ outcome, status }) => outcome === "strange" || (outcome === "login" && status === 403);
  const strange = new Map();

  async function isHopeless(session, batch, answer) {
    const [{ id, file }] = batch;
    if (!isStrange(answer)) return false;
    strange.set(id, (strange.get(id) || 0) + 1);
    return Boolean(file || batch.length > 1) && strange.get(id) >= MOST_STRANGE && (await renew(session)) === "renewed";
  }

  function sentenceOf(tap, { error, status }) {
    return error || `The server does not take this ${tap.file ? "picture" : "tap"} (error ${status}).`;
  }

  // One that spoils the others must not hold them up. Where nothing at all gets through, none of them is to blame.
  async function divide(session, batch, answer, tell) {
    const spoilt = [];
    for (const tap of batch) {
      const one = batch.length > 1 ? await post(session, [tap]) : answer;
      if (one.outcome === "answered") await settle([tap], one, tell);
      else if (one.outcome === "broken" || isStrange(one)) spoilt.push({ id: tap.id, outcome: "refused", answer: sentenceOf(tap, one), job: null });
      else return false;
    }
    if (answer.outcome !== "broken" && !batch[0].file && spoilt.length === batch.length) return false;
    await settle(batch.filter(({ id }) => spoilt.some((one) => one.id === id)), { now: Date.now(), taps: spoilt }, tell);
    return true;
  }

  async function settle(batch, answer, tell) {
    const known = new Map(answer.taps.map((one) => [one.id, one]));
    const settled = [];
    for (const tap of batch) {
      const one = known.get(tap.id);
      if (!one || !["done", "kept", "refused"].includes(one.outcome)) continue;
      const values = { state: one.outcome, answer: one.answer, truth: one.job, answered_at: answer.now };
      if (one.outcome !== "refused") values.file = null; // the server has it
      await change(tap.id, values);
      settled.push(Object.assign(tap, values));
    }
    if (settled.length) await tell(settled);
    return settled.length === batch.length;
  }

  function bodyOf(batch) {
    const [first] = batch;
    if (first.file) {
      const form = new FormData();
      const fields = { id: first.id, kind: first.kind, name: first.name || "", tapped_at: first.tapped_at, sent_at: Date.now(), ...offsetOf(first), ...first.fix };
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", first.file, first.kind === "signature" ? "signature.png" : "photo.jpg");
      return form;
    }
    const taps = batch.map((tap) => {
      const { id, kind, job, tapped_at, content, fix } = tap;
      return { id, kind, job, tapped_at, content, ...offsetOf(tap), ...fix };
    });
    return JSON.stringify({ sent_at: Date.now(), taps });
  }

  const offsetOf = ({ offset }) => (typeof offset === "number" ? { offset } : {});

  async function post(session, batch) {
    const [first] = batch;
    const headers = { "X-CSRFToken": session.token, Accept: "application/json" };
    if (!first.file) headers["Content-Type"] = "application/json";
    const url = first.file ? session.picturesUrl.replace("/0/", `/${first.job}/`) : session.tapsUrl;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), first.file ? UPLOAD_PATIENCE_MS : PATIENCE_MS);
    try {
      const options = { method: "POST", headers, body: bodyOf(batch), signal: stop.signal, credentials: "same-origin" };
      return await read(await fetch(url, options));
    } catch (error) {
      return { outcome: "later" };
    } finally {
      clearTimeout(timer);
    }
  }

  async function read(response) {
    const { status } = response;
    if (response.redirected || status === 401) return { outcome: "login" };
    if (status >= 500 || status === 408 || status === 429) {
      return { outcome: "later", wait: 1000 * Number(response.headers.get("Retry-After")) || 0 };
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer && Array.isArray(answer.taps)) {
      hearClock(answer.now);
      return { outcome: "answered", ...answer };
    }
    if (response.ok) return { outcome: "later" };
    const error = answer && answer.error; // only our own server says it in a sentence
    if (status === 403) return error ? { outcome: "closed", error } : { outcome: "login", status };
    if (status === 413) return { outcome: "broken", error: error || "This is too large for the server." };
    return error ? { outcome: "broken", error } : { outcome: "strange", status };
  }

  // Logged in again since this page was made? Taps of one user are never sent as another's.
  async function renew(session) {
    try {
      const response = await fetch(session.pageUrl, { credentials: "same-origin" });
      if (response.redirected || response.status === 401) return "login";
      if (response.status === 403) return "closed";
      const text = await response.text();
      const user = /data-user="(\d+)"/.exec(text);
      const token = /"X-CSRFToken": "(\w+)"/.exec(text);
      if (!user || !token) return "later";
      if (user[1] !== session.user) return "other-user";
      session.token = token[1];
      await putState("session", session).catch(() => {});
      return "renewed";
    } catch (error) {
      return "later";
    }
  }

  // For the service worker: true once nothing waits.
  async function sendStored() {
    const session = await getState("session").catch(() => null);
    if (!session) return true;
    const { outcome } = await locked(() => deliver(session, async () => {}));
    return outcome !== "later" && outcome !== "held";
  }

  return { TIMES, newId, hearClock, clockOffset, getState, putState, tapsOf, insert, change, remove, locked, deliver, sendStored };
})();
