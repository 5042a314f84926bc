// The command palette: Ctrl+K. The server finds; here are the list's keys (an ARIA combobox) and what was chosen last.
(() => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const input = palette.querySelector("[role=combobox]");
  const list = palette.querySelector("[role=listbox]");
  const status = palette.querySelector("[data-palette-status]");
  const memory = `palette-recent-${palette.dataset.user}`;
  let active = -1;
  let shownFor = null; // the text that the list answers
  let isChosen = false; // Enter came before the answer

  const options = () => [...list.querySelectorAll("[role=option]")];

  function recent() {
    try {
      return JSON.parse(localStorage.getItem(memory)) ?? [];
    } catch {
      return []; // no storage, or somebody else's words in it
    }
  }
  function remember(key) {
    try {
      localStorage.setItem(memory, JSON.stringify([key, ...recent().filter((other) => other !== key)].slice(0, 8)));
    } catch { /* then nothing is remembered */ }
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    palette.querySelector("[name=recent]").value = recent().join(",");
    input.value = "";
    shownFor = null;
    isChosen = false;
    list.replaceChildren();
    status.textContent = "";
    palette.showModal();
    input.focus();
    input.dispatchEvent(new CustomEvent("palette-open"));
  }

  function activate(index) {
    const all = options();
    active = all.length ? (index + all.length) % all.length : -1;
    all.forEach((option, number) => option.setAttribute("aria-selected", number === active));
    if (active < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  }

  list.addEventListener("htmx:afterSwap", (event) => {
    shownFor = event.detail.requestConfig.parameters.q;
    const all = options();
    all.forEach((option, number) => { option.id = `palette-option-${number}`; });
    status.textContent = all.length ? `${all.length} found. Arrows choose, Enter opens, Esc closes.` : "Nothing found.";
    list.scrollTop = 0;
    activate(0);
    if (isChosen && shownFor === input.value) choose();
  });

  function choose() {
    isChosen = false;
    options()[active]?.click();
  }

  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) activate(active + step);
    else if (event.key !== "Enter" || event.isComposing) return;
    else if (shownFor === input.value) choose();
    else isChosen = true;
    event.preventDefault();
  });
  input.addEventListener("input", () => { isChosen = false; });

  list.addEventListener("mousemove", (event) => {
    const index = options().indexOf(event.target.closest("[role=option]"));
    if (index >= 0 && index !== active) activate(index);
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    remember(option.dataset.paletteKey);
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    const drawer = option.dataset.drawer && document.getElementById("drawer");
    const inPlace = drawer || "dialog" in option.dataset;
    palette.close();
    if (!inPlace) return; // the browser follows the link, or sends the form
    event.preventDefault();
    const url = drawer ? option.dataset.drawer : option.getAttribute("href");
    htmx.ajax("GET", url, { target: drawer ? "#drawer" : "#dialog-body", swap: "innerHTML" });
  });

  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-open-palette]")) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
})();
