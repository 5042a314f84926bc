// Keys of every page: ? for help, g and a letter to go somewhere, j and k from job to job.
//
// Links that have data-go="b" are where g b goes to; data-help opens the help. The board's own keys: board_frame.js.
(() => {
  const SEQUENCE_MS = 1500;
  let going = null; // g was pressed, and its letter is awaited

  const isTyping = (target) => target.closest?.("input, select, textarea, [contenteditable]");
  const isFree = (event) =>
    !(event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]"));

  function stopGoing() {
    clearTimeout(going);
    going = null;
  }

  const SHOWN = "main [data-job]:not(#drawer *)"; // the drawer repeats one of them
  function jobs() {
    return [...document.querySelectorAll(`${SHOWN} .job-link`)].filter((link) => link.checkVisibility());
  }
  function step(by) {
    const all = jobs();
    const at = document.activeElement?.closest(SHOWN) ?? document.querySelector(`${SHOWN}.is-open`);
    const now = all.findIndex((link) => at?.contains(link));
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by));
    all[next]?.focus({ preventScroll: true });
    all[next]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  const KEYS = {
    "?": () => document.querySelector("[data-help]")?.click(),
    j: () => step(1),
    k: () => step(-1),
    g: () => { going = setTimeout(stopGoing, SEQUENCE_MS); },
  };

  // In the capture phase: the letter after a g belongs to nobody else.
  document.addEventListener("keydown", (event) => {
    if (!isFree(event) || event.defaultPrevented || event.key === "Shift") return;
    const target = going && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    stopGoing();
    const act = target ? () => target.click() : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }, true);
})();
