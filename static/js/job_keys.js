// Keys for the job that has the focus, or whose drawer is open: 1-4 priority, a assign, h hold, Delete cancel,
// y to confirm what is suggested for it.
(() => {
  const DIALOGS = { a: "assign", h: "hold", Delete: "cancel" };

  function jobOf(target) {
    const focused = target.closest("main [data-job]");
    return (focused ?? document.querySelector("#drawer > [data-job]"))?.dataset.job;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (document.getElementById("dialog").open || document.querySelector(".is-dragging")) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable], [role=menu]")) return;
    const isPriority = "1234".includes(event.key) && event.key.length === 1;
    const isYes = event.key.toLowerCase() === "y";
    if (!isPriority && !isYes && !(event.key in DIALOGS)) return;
    const job = jobOf(event.target);
    if (!job) return;
    if (isYes) {
      // Only what is shown: nobody agrees to what they cannot see.
      document.querySelector(`[data-job="${job}"] form[data-confirm-suggestion]`)?.requestSubmit();
      return;
    }
    event.preventDefault();
    const into = { target: "#dialog-body", swap: "innerHTML" };
    if (isPriority) htmx.ajax("POST", `/jobs/${job}/priority/`, { ...into, values: { priority: event.key } });
    else htmx.ajax("GET", `/jobs/${job}/${DIALOGS[event.key]}/`, into);
  });
})();
