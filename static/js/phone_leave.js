// Logging out with taps that are not sent yet asks first. On every page of technicians.
(() => {
  const mine = async () => {
    const session = await Taps.getState("session").catch(() => null);
    const user = document.body.dataset.user || (session && session.user);
    return (await Taps.tapsOf(user)).filter((tap) => tap.state === "waiting").length;
  };

  function ask(form, count) {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog leave-dialog";
    dialog.setAttribute("aria-labelledby", "leave-title");
    const title = Object.assign(document.createElement("h2"), { id: "leave-title" });
    title.textContent = count === 1 ? "1 tap is not sent yet" : `${count} taps are not sent yet`;
    const text = document.createElement("p");
    text.textContent = "What you tapped stays on this phone and is sent when you log in here again. Until then the office does not know of it.";
    const stay = Object.assign(document.createElement("button"), { type: "button", className: "button primary", textContent: "Stay logged in" });
    const leave = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Log out anyway" });
    stay.addEventListener("click", () => dialog.close());
    leave.addEventListener("click", () => form.submit());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(title, text, stay, leave);
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-logout]") || form.dataset.asked) return;
    event.preventDefault();
    const count = await mine().catch(() => 0);
    if (count) ask(form, count);
    else form.submit();
  });
})();
