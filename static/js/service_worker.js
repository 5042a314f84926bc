// Shows what the office pushes, also when no page is open, and opens what it is about. Caches nothing.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // Browsers want something shown for every push.
  }
  const options = {
    body: message.text ?? "",
    tag: `truckroll-${message.id ?? "notice"}`, // the same one sent twice is shown once
    icon: "/static/img/truckroll.svg",
    data: { url: message.url ?? "/" },
  };
  event.waitUntil(self.registration.showNotification(message.title ?? "Truckroll", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", self.location.origin);
  if (url.origin !== self.location.origin) return;
  // A window of its own: an open page may have half a note typed into it.
  event.waitUntil(self.clients.openWindow(url.href));
});
