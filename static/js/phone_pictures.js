// Photos on the phone: made small here, kept in the outbox, shown with what has become of them.
const Pictures = (() => {
  const LONGEST_SIDE = 1600;
  const QUALITY = 0.82;
  const MOST_BYTES = 25 * 1024 * 1024;
  const root = document.querySelector("[data-phone-root]");
  const shown = new Map(); // by tap: its tile, with a picture that is read once
  let taps = [];
  let said = "";

  const asOf = () => Number(root.querySelector("[data-day-state]").dataset.asOf); // what the page shows has all from before
  const section = () => root.querySelector("[data-pictures]");

  function say(text) {
    said = text;
    const place = section() && section().querySelector("[data-pictures-said]");
    if (place) place.textContent = text;
  }

  // Making small -----------------------------------------------------------------------------------

  function read(file) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      const url = URL.createObjectURL(file);
      const done = (settle) => (value) => {
        setTimeout(() => URL.revokeObjectURL(url), 1000); // still drawn from
        settle(value);
      };
      image.onload = () => done(resolve)(image);
      image.onerror = done(reject);
      image.src = url; // an <img> stands upright as the camera was held, which a bare bitmap on old phones does not
    });
  }

  function drawn(image, width, height) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // else what is transparent turns black
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0, width, height);
    return canvas;
  }

  const blobOf = (canvas, type, quality) => new Promise((resolve) => canvas.toBlob(resolve, type, quality));

  // A phone that has no memory for it sends what the camera made: the server makes it small as well.
  async function small(file) {
    const image = await read(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(1, Math.round(side * scale)));
    const blob = await blobOf(drawn(image, width, height), "image/jpeg", QUALITY).catch(() => null);
    return blob || file;
  }

  function whyNot(file, error) {
    if (!file.size) return `${file.name} is empty.`;
    if (file.size > MOST_BYTES) return `${file.name} is larger than 25 MB. Take a smaller one.`;
    if (!error) return "";
    const isHeic = /hei[cf]/i.test(`${file.type} ${file.name}`);
    return isHeic ? `${file.name} is HEIC, which cannot be opened here. Set the camera to JPEG.` : `${file.name} cannot be opened as a photo.`;
  }

  async function take(files, caption) {
    const { job, number } = section().dataset;
    const withPosition = "keepsPhotoLocation" in document.body.dataset;
    const refused = [];
    for (const [index, file] of files.entries()) {
      say(files.length > 1 ? `Preparing photo ${index + 1} of ${files.length} …` : "Preparing the photo …");
      let reason = whyNot(file);
      if (!reason) {
        try {
          const picture = await small(file);
          await Outbox.add({ kind: "photo", job, number, file: picture, name: caption, says: caption ? `Photo: ${caption}` : "Photo", withPosition });
        } catch (error) {
          reason = whyNot(file, error || new Error("unreadable"));
        }
      }
      if (reason) refused.push(reason);
    }
    say(refused.join(" "));
  }

  // The page ---------------------------------------------------------------------------------------

  function prepare() {
    if (!section()) return;
    const form = section().querySelector("[data-photo-form]");
    for (const button of section().querySelectorAll("[data-photo-pick], [data-signature-open]")) button.hidden = false;
    for (const element of form.querySelectorAll("[data-photo-send], [data-photo-file]")) element.hidden = true;
    section().querySelector("[data-pictures-said]").textContent = said;
    show();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-photo-pick]");
    if (button) section().querySelector(`[data-photo-file="${button.dataset.photoPick}"]`).click();
  });

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches("[data-photo-file]") || !input.files.length) return;
    const files = [...input.files];
    const caption = section().querySelector("[name=name]");
    take(files, caption.value.trim());
    input.value = ""; // the same photo once more is a change too
    caption.value = "";
  });

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-photo-form]")) event.preventDefault(); // Enter in the caption sends nothing
  });

  // What waits -------------------------------------------------------------------------------------

  const STATES = { waiting: "Waiting to be sent", done: "Sent", kept: "Sent to the dispatcher", refused: "Not taken" };

  function tileOf(tap) {
    let tile = shown.get(tap.id);
    if (!tile) {
      tile = document.createElement("li");
      const frame = document.createElement("div");
      frame.className = "waiting-picture";
      const image = document.createElement("img");
      image.alt = tap.says;
      const state = document.createElement("p");
      state.className = "caption";
      frame.append(image);
      tile.append(frame, state);
      if (tap.kind === "signature") tile.className = "signed";
      if (tap.file) {
        image.src = URL.createObjectURL(tap.file);
        image.onload = () => URL.revokeObjectURL(image.src);
      }
      shown.set(tap.id, tile);
    }
    tile.dataset.state = tap.state;
    tile.querySelector("p").textContent = [tap.name, STATES[tap.state]].filter(Boolean).join(" · ");
    return tile;
  }

  function show() {
    const list = section() && section().querySelector("[data-waiting-pictures]");
    if (!list) return;
    const own = taps.filter((tap) => ["photo", "signature"].includes(tap.kind) && String(tap.job) === section().dataset.job);
    const onTheWay = own.filter((tap) => tap.state === "waiting" || (tap.state === "done" && tap.answered_at > asOf()));
    for (const id of shown.keys()) if (!onTheWay.some((tap) => tap.id === id)) shown.delete(id);
    list.textContent = "";
    list.append(...onTheWay.map(tileOf));
    list.hidden = !onTheWay.length;
  }

  document.addEventListener("outbox-changed", (event) => {
    ({ taps } = event.detail);
    show();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === root) prepare();
  });
  Outbox.taps().then((found) => {
    taps = found;
    prepare();
  });
  return { blobOf };
})();
