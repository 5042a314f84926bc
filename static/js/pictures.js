// Shows a job's pictures one after the other, over the page: links with data-picture inside a data-gallery.
// Without script, or where the browser knows no dialogs, each link opens its picture.
(() => {
  let viewer = null;
  let shown = []; // as the page had them when the first was opened: it may be refreshed meanwhile
  let at = 0;
  let opener = "";

  function make(name, attributes, ...children) {
    const element = Object.assign(document.createElement(name), attributes);
    element.append(...children);
    return element;
  }

  function build() {
    const close = make("button", { type: "button", textContent: "Close", onclick: () => viewer.close() });
    const whole = make("a", { className: "viewer-whole", textContent: "Download" });
    const previous = make("button", { type: "button", textContent: "‹", className: "viewer-previous", onclick: () => go(-1) });
    const next = make("button", { type: "button", textContent: "›", className: "viewer-next", onclick: () => go(1) });
    previous.setAttribute("aria-label", "Previous picture");
    next.setAttribute("aria-label", "Next picture");
    const caption = make("figcaption", {}, make("b", {}), make("small", {}));
    caption.setAttribute("aria-live", "polite");
    viewer = make(
      "dialog", { className: "viewer" },
      make("div", { className: "viewer-head" }, make("p", { className: "viewer-count" }), whole, close),
      make("figure", {}, make("img", {}), caption),
      make("div", { className: "viewer-foot" }, previous, next),
    );
    viewer.setAttribute("aria-label", "Pictures");
    viewer.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) go(by);
      event.stopPropagation(); // the page behind has keys of its own
    });
    viewer.addEventListener("close", () => {
      const link = document.querySelector(`a[data-picture][href="${CSS.escape(opener)}"]`);
      if (link) link.focus();
    });
    document.body.append(viewer);
  }

  function show() {
    const { href, caption, told, alt, isSignature } = shown[at];
    const image = viewer.querySelector("img");
    image.src = href;
    image.alt = alt;
    image.classList.toggle("is-signature", isSignature);
    viewer.querySelector("figcaption b").textContent = caption;
    viewer.querySelector("figcaption small").textContent = told;
    viewer.querySelector(".viewer-count").textContent = `${at + 1} of ${shown.length}`;
    viewer.querySelector(".viewer-whole").href = `${href}?download`;
    viewer.querySelector(".viewer-previous").disabled = at === 0;
    viewer.querySelector(".viewer-next").disabled = at === shown.length - 1;
  }

  function go(by) {
    const next = Math.max(0, Math.min(shown.length - 1, at + by));
    if (next === at) return;
    at = next;
    show();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-picture]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !window.HTMLDialogElement) return;
    event.preventDefault();
    const links = [...link.closest("[data-gallery]").querySelectorAll("a[data-picture]")];
    shown = links.map((each) => ({
      href: each.getAttribute("href"),
      caption: each.dataset.caption,
      told: each.dataset.told,
      alt: each.getAttribute("aria-label"),
      isSignature: each.closest(".signed") !== null,
    }));
    at = links.indexOf(link);
    opener = link.getAttribute("href");
    if (!viewer) build();
    show();
    viewer.showModal();
  });
})();
