// The signature pad: drawn with a finger, or the typed name in its place. Kept in the outbox as a picture.
(() => {
  const root = document.querySelector("[data-phone-root]");
  const INK = "#10182b";
  const PAPER = "#ffffff";
  let strokes = []; // each a list of points, in the units of the canvas
  let typed = "";
  let drawing = false;

  const pad = () => root.querySelector("[data-signature]");
  const part = (name) => pad().querySelector(`[data-signature-${name}]`);
  const canvas = () => pad().querySelector("canvas");
  const nameField = () => pad().querySelector("input");
  const isEmpty = () => !strokes.length && !typed;

  // Drawing ----------------------------------------------------------------------------------------

  function draw() {
    const { width, height } = canvas();
    const context = canvas().getContext("2d");
    context.fillStyle = PAPER;
    context.fillRect(0, 0, width, height);
    Object.assign(context, { strokeStyle: INK, fillStyle: INK, lineWidth: 4, lineCap: "round", lineJoin: "round" });
    if (typed) writeName(context, width, height);
    for (const points of strokes) drawStroke(context, points);
    canvas().setAttribute("aria-label", isEmpty() ? "Signature, empty" : typed ? `Signature: ${typed}` : "Signature, drawn");
  }

  function writeName(context, width, height) {
    let size = 80;
    do {
      context.font = `italic ${size}px "Segoe Script", "Snell Roundhand", "Dancing Script", cursive, serif`;
      size -= 4;
    } while (size > 16 && context.measureText(typed).width > width - 40);
    Object.assign(context, { textAlign: "center", textBaseline: "middle" });
    context.fillText(typed, width / 2, height / 2, width - 40);
  }

  function drawStroke(context, points) {
    const [first, ...others] = points;
    context.beginPath();
    context.moveTo(first.x, first.y);
    if (!others.length) context.lineTo(first.x + 0.1, first.y); // a dot
    for (const [index, point] of others.entries()) {
      const before = points[index];
      context.quadraticCurveTo(before.x, before.y, (before.x + point.x) / 2, (before.y + point.y) / 2);
    }
    if (others.length) context.lineTo(others[others.length - 1].x, others[others.length - 1].y);
    context.stroke();
  }

  function pointOf(event) {
    const box = canvas().getBoundingClientRect();
    return { x: ((event.clientX - box.left) * canvas().width) / box.width, y: ((event.clientY - box.top) * canvas().height) / box.height };
  }

  document.addEventListener("pointerdown", (event) => {
    if (!pad() || event.target !== canvas() || !event.isPrimary) return;
    event.preventDefault();
    canvas().setPointerCapture(event.pointerId);
    drawing = true;
    typed = "";
    strokes.push([pointOf(event)]);
    refuse("");
    draw();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    strokes[strokes.length - 1].push(...(all.length ? all : [event]).map(pointOf));
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => { drawing = false; });

  // Saving -----------------------------------------------------------------------------------------

  function refuse(text, focus) {
    part("refusal").textContent = text;
    if (focus) focus.focus();
  }

  function empty() {
    strokes = [];
    typed = "";
    draw();
  }

  function open() {
    if (!pad().hidden) return hide();
    pad().hidden = false;
    opener().setAttribute("aria-expanded", "true");
    draw();
    nameField().focus();
    return pad().scrollIntoView({ block: "nearest" });
  }
  function hide() {
    pad().hidden = true;
    opener().setAttribute("aria-expanded", "false");
    opener().focus();
  }
  const opener = () => root.querySelector("[data-signature-open]");

  function close() {
    empty();
    nameField().value = "";
    refuse("");
    hide();
  }

  function typeName() {
    const name = nameField().value.trim();
    if (!name) return refuse("Type the name first.", nameField());
    strokes = [];
    typed = name;
    refuse("");
    return draw();
  }

  async function save() {
    const name = nameField().value.trim();
    if (!name) return refuse("Type the name of who signs.", nameField());
    if (isEmpty()) return refuse("Sign in the box, or use the typed name.", part("type"));
    const { job, number } = root.querySelector("[data-pictures]").dataset;
    const file = await Pictures.blobOf(canvas(), "image/png");
    await Outbox.add({ kind: "signature", job, number, file, name, says: `Signature of ${name}` });
    close();
    return root.querySelector("[data-pictures]").scrollIntoView({ block: "start" }); // where it is seen now
  }

  const ACTS = {
    open, save, cancel: close, clear: () => empty(), type: typeName,
    undo: () => {
      if (typed) typed = "";
      else strokes.pop();
      draw();
    },
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const [name, act] of Object.entries(ACTS)) {
      if (button.matches(`[data-signature-${name}]`)) act();
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== root || !pad() || !opener()) return;
    opener().setAttribute("aria-expanded", String(!pad().hidden));
  });
})();
