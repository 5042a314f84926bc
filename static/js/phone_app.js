// The phone page as an app: its service worker keeps the day that is shown, and the pages of its jobs.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const { worker, pageUrl } = document.body.dataset;
  const KEEP_AFTER_MS = 1500; // changes come in bursts
  let told = "";
  let timer = null;
  let hasTapped = false; // notes and checks are new on a page whose job has the same version
  if (!("serviceWorker" in navigator)) return;

  const jobs = () => [...root.querySelectorAll("[data-job][data-version]")];

  function wanted() {
    const { asOf, duty } = root.querySelector("[data-day-state]").dataset;
    const pages = { [pageUrl]: asOf };
    for (const { dataset } of jobs()) {
      pages[`${pageUrl}jobs/${dataset.job}/`] = hasTapped && "opened" in dataset ? asOf : dataset.version;
    }
    return { pages, isWholeDay: duty !== undefined };
  }

  const lookOf = () => root.querySelector("[data-day-state]").dataset.duty + jobs().map(({ dataset }) => `${dataset.job}.${dataset.version}`);

  async function keep() {
    if ("cached" in document.body.dataset || (told === lookOf() && !hasTapped)) return;
    const { active } = await navigator.serviceWorker.ready;
    told = lookOf();
    active.postMessage(wanted());
    hasTapped = false;
  }

  function keepSoon() {
    clearTimeout(timer);
    timer = setTimeout(keep, KEEP_AFTER_MS);
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === root) keepSoon();
  });
  document.addEventListener("outbox-answered", () => { hasTapped = true; });
  window.addEventListener("load", () => {
    navigator.serviceWorker.register(worker, { scope: "/" }).catch(() => {});
    keep();
  });
  // A new one keeps the day anew, with its own scripts.
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    told = "";
    keepSoon();
  });
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data && event.data.isKept) root.dataset.isKept = "";
  });
  // What was kept may be old: the network is asked again at once.
  if ("cached" in document.body.dataset) setTimeout(() => document.body.dispatchEvent(new CustomEvent("live-refresh")), 0);
})();
