// Keeps the page's files, so that it works without a network after the first visit.
importScripts("files.js");

const CACHE = `cytoshade-demo-${self.VERSION}`;

self.addEventListener("install", (event) => {
  const fetched = self.FILES.map((name) => new Request(name, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fetched)));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("cytoshade-demo-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

// What is kept is of one version, so it comes from the cache; anything else is not the page's and comes from nowhere.
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  const name = url.pathname.endsWith("/") ? "index.html" : url.pathname;
  event.respondWith(caches.match(name, { cacheName: CACHE }).then((kept) => kept ?? fetch(event.request)));
});
