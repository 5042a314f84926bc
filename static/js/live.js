// Live events: WebSocket first, Server-Sent Events where sockets are blocked, polling where both are.
//
// An event says that something changed, never what. On document.body this dispatches
//   live-jobs         detail.jobs: the ids of a short window, detail.created: those that are new
//   live-technicians  detail.technicians: ids
//   technician-moved  detail.technician: id, detail.latitude, detail.longitude, detail.recorded_at: as ISO 8601. One each,
//                     also where the server tells of several at once: whoever draws them waits for the next frame
//   plan-progressed   detail.plan: the id of a route plan that has got further
//   live-notified     the user has been told of something, or has read it
//   live-refresh      reload what you show: events were missed
// The body's data-live-versions has the number of events that each group had when the page was made. A heartbeat brings
// the numbers of now; a page that counted fewer has missed some.
(() => {
  const body = document.body;
  if (!body.dataset.liveVersions) return;
  const counted = JSON.parse(body.dataset.liveVersions);
  const indicator = document.querySelector("[data-live-indicator]");
  const WINDOW_MS = 120; // events this close together make one request
  const SILENCE_MS = 10000; // heartbeats come every 3 seconds
  const POLL_MS = 8000;
  // An event may be on its way while the heartbeat already counts it: on a busy server up to a second. Reloading too
  // early makes a busy server busier, and all the boards that missed the same event would reload at once.
  const SETTLE_MS = 1000;

  let socket = null;
  let stream = null;
  let failures = 0;
  let opened = false;
  let lastHeard = 0;
  let poll = null;
  let jobs = new Set();
  let created = new Set();
  let technicians = new Set();
  let stale = false; // something changed that has no ids: everything is asked for again
  let flushing = null;

  function show(state, text) {
    if (!indicator) return;
    indicator.hidden = false;
    indicator.dataset.state = state;
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    indicator.querySelector("[data-live-text]").textContent = text;
    indicator.title = `Last update ${time}`;
  }

  const tell = (name, detail = {}) => body.dispatchEvent(new CustomEvent(name, { detail }));

  function flush() {
    flushing = null;
    if (stale) {
      stale = false;
      tell("live-refresh");
    }
    if (jobs.size) tell("live-jobs", { jobs: [...jobs], created: [...created] });
    if (technicians.size) tell("live-technicians", { technicians: [...technicians] });
    jobs = new Set();
    created = new Set();
    technicians = new Set();
  }

  function gather(event) {
    for (const id of event.jobs ?? []) {
      jobs.add(id);
      if (event.event === "job-created") created.add(id);
    }
    if (event.technician) technicians.add(event.technician);
    if (!event.jobs && !event.technician) stale = true;
    // A little chance spreads the requests of many boards that heard the same event.
    flushing = flushing ?? setTimeout(flush, WINDOW_MS * (0.5 + Math.random()));
  }

  function missed(versions) {
    return Object.entries(versions).some(([group, number]) => number > (counted[group] ?? 0));
  }

  function compare(versions) {
    if (!missed(versions)) return;
    setTimeout(() => {
      if (!missed(versions)) return;
      for (const [group, number] of Object.entries(versions)) counted[group] = Math.max(counted[group] ?? 0, number);
      tell("live-refresh");
    }, SETTLE_MS * (1 + Math.random()));
  }

  function hear(text) {
    lastHeard = Date.now();
    failures = 0;
    const event = JSON.parse(text);
    if (event.event === "heartbeat") {
      if (event.live) show("live", "Live");
      else show("polling", "Not live: checking every few seconds");
      compare(event.versions);
      return;
    }
    counted[event.group] = (counted[event.group] ?? 0) + 1;
    if (event.event === "notified") {
      tell("live-notified");
      return;
    }
    if (event.event === "plan-progressed") {
      tell("plan-progressed", { plan: event.plan });
      return;
    }
    if (event.event !== "technician-moved") gather(event);
    else for (const move of event.moves ?? [event]) tell("technician-moved", move); // it says all that there is to know
  }

  function begun() {
    lastHeard = Date.now();
    clearInterval(poll);
    poll = null;
    if (opened) tell("live-refresh"); // whoever comes back reloads what they show
    opened = true;
  }

  function ended() {
    socket = stream = null;
    failures += 1;
    show(failures > 1 ? "offline" : "polling", failures > 1 ? "Not live: checking every few seconds" : "Reconnecting");
    if (failures > 1) poll = poll ?? setInterval(() => tell("live-refresh"), POLL_MS);
    setTimeout(connect, Math.min(8000, 500 * 2 ** failures) * (0.6 + Math.random() * 0.8));
  }

  function connectSocket() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    let open = false;
    socket = new WebSocket(`${scheme}://${location.host}/ws/`);
    socket.onopen = () => {
      open = true;
      begun();
    };
    socket.onmessage = (message) => hear(message.data);
    socket.onclose = (event) => {
      if (event.code === 4401 || event.code === 4403) {
        location.reload(); // logged out or no longer allowed: the page itself says so
        return;
      }
      if (open || failures === 0) ended();
      else connectStream();
    };
  }

  function connectStream() {
    socket = null;
    stream = new EventSource("/events/");
    stream.onopen = begun;
    stream.onmessage = (message) => hear(message.data);
    stream.onerror = () => {
      stream.close();
      ended();
    };
  }

  function connect() {
    if (!socket && !stream) connectSocket();
  }

  setInterval(() => {
    if (Date.now() - lastHeard < SILENCE_MS) return;
    if (socket) socket.close();
    else if (stream) stream.onerror();
  }, 1000);
  // The browser may have put a hidden page to sleep.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - lastHeard > SILENCE_MS) tell("live-refresh");
  });
  window.addEventListener("pagehide", () => {
    if (socket) socket.onclose = null;
    socket?.close();
    stream?.close();
  });
  show("polling", "Connecting");
  connect();
})();
