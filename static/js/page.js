// Small things of every page: dialog, toasts, menus, failed requests.
(() => {
  const dialog = document.getElementById("dialog");
  const body = document.getElementById("dialog-body");
  let jobBehind = null; // the job that had the focus when the dialog opened
  const FIELDS = "input:not([type=hidden], [hidden], :disabled), select, textarea";

  function toast(text, kind = "", mayUndo = false) {
    const element = document.createElement("p");
    element.className = `toast ${kind}`;
    element.textContent = text;
    if (mayUndo) element.append(undoButton(element));
    document.getElementById("toasts").append(element);
    setTimeout(() => element.remove(), kind === "error" || mayUndo ? 9000 : 4500);
  }
  // Presses the page's own button: what it says and does afterwards is the page's.
  function undoButton(element) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "toast-undo", textContent: "Undo" });
    button.addEventListener("click", () => {
      element.remove();
      document.querySelector("[data-undo]")?.click();
    });
    return button;
  }

  // Not before htmx has taken over the form in it: a quick Enter would send it the ordinary way.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== body || !body.firstElementChild) return;
    if (!dialog.open) {
      jobBehind = document.activeElement?.closest("main [data-job]")?.dataset.job;
      dialog.showModal();
    }
    // Else it would be the ✕: what is typed would be lost, and Enter would close the dialog.
    const begin = body.querySelector("[autofocus]:not(:disabled)") ?? body.querySelector(FIELDS) ?? body.querySelector("[type=submit].primary");
    (begin?.type === "radio" && body.querySelector(`[name="${begin.name}"]:checked:enabled`) || begin)?.focus();
  });
  dialog?.addEventListener("close", () => {
    body.textContent = "";
    // The browser cannot give the focus back to what came anew meanwhile.
    if (jobBehind && document.activeElement === document.body) {
      document.querySelector(`main [data-job="${CSS.escape(jobBehind)}"] .job-link`)?.focus();
    }
  });
  document.addEventListener("close-dialog", () => dialog.close());
  document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.kind, event.detail.undo));

  document.addEventListener("click", (event) => {
    if (event.target.closest("#dialog [data-close-dialog]")) {  // on a page of its own it is a link back
      event.preventDefault();
      dialog.close();
    }
    if (event.target === dialog) dialog.close();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const copying = event.target.closest("[data-copy]");
    if (copying) copyLink(new URL(copying.dataset.copy || location.href, location.href).href);
  });
  async function copyLink(link) {
    try {
      await navigator.clipboard.writeText(link); // absent where the site is served without HTTPS
      toast("The link is copied.");
    } catch {
      toast(`The browser did not let us copy it: ${link}`);
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // Of an element htmx sends one request at a time, keeps the last of those that come meanwhile and drops the others.
  // What is asked for without an element would share the body's: so each request has one of its own.
  const { ajax } = htmx;
  htmx.ajax = async (verb, path, context) => {
    if (context.source) return ajax(verb, path, context);
    const source = document.createElement("span");
    source.hidden = true;
    document.body.append(source);
    return ajax(verb, path, { ...context, source }).finally(() => source.remove());
  };

  // A refresh keeps the note being typed (hx-preserve); what keeps it must give it up once the note is added.
  document.addEventListener("htmx:afterRequest", (event) => {
    const field = document.getElementById(event.detail.requestConfig.elt.dataset?.empties ?? "");
    if (!field || event.detail.xhr.status !== 200) return;
    field.value = "";
    if (document.activeElement === document.body) field.focus(); // its button was disabled meanwhile and lost it
  });
  // Browsers without moveBefore() take the focus from what a swap keeps.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", () => { kept = document.activeElement?.closest("[hx-preserve]"); });
  document.addEventListener("htmx:afterSwap", () => {
    if (kept?.isConnected && document.activeElement !== kept) kept.focus();
    kept = null;
  });

  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Nothing was changed; try again.", "error"));
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    const text = { 403: "Your account may not do this.", 404: "This is no longer there for you." }[status];
    toast(text ?? `The server could not do this (${status}). Nothing was changed; try again.`, "error");
  });
})();
