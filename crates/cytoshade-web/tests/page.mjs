// What the tests call in the page.
import { Cytoshade } from "./cytoshade.js";

/** Whether the policy is in force: it stops this. (What a debugger evaluates, as tests do, it lets pass.) */
function policyHolds() {
  try {
    return new Function("return false")();
  } catch {
    return true;
  }
}

/** The promise's error as plain data, with how long it took to come. */
async function refusal(work) {
  const start = performance.now();
  try {
    await work;
  } catch ({ name, code, message }) {
    return { name, code, message, after: performance.now() - start };
  }
  return undefined;
}

/** Runs `work` and lists the tasks of the main thread that took over 50 ms meanwhile. */
async function longTasks(work) {
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: "longtask" });
  await work();
  await new Promise((resolve) => setTimeout(resolve, 200));
  tasks.push(...observer.takeRecords().map(({ duration }) => duration));
  observer.disconnect();
  return tasks;
}

const file = async (name) => (await fetch(name)).blob();

/** Segments a file, with the masks in a form that can leave the page. */
async function segment(cp, name, options) {
  const found = await cp.segment(await file(name), options);
  return plain(found);
}

function plain({ masks, areas, ...rest }) {
  return { ...rest, masks: [...masks], areas: [...areas] };
}

/** What may have become of a record. */
const CHANGES = {
  damaged: (record) => ({ ...record, bytes: new Blob([new Uint8Array(record.size)]) }),
  "cut short": (record) => ({ ...record, bytes: record.bytes.slice(1) }),
  "of an older format": (record) => ({ ...record, format: 0 }),
  "of another URL": (record) => ({ ...record, url: "https://example.com/" }),
  foreign: () => "something else",
  "of another hash": (record) => ({ ...record, sha256: "0".repeat(64) }),
};

/** Changes a URL's record in the package's own store. */
async function plant(url, what) {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("cytoshade");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const store = database.transaction("models", "readwrite").objectStore("models");
  const key = new URL(url, document.baseURI).href;
  const record = await new Promise((resolve) => (store.get(key).onsuccess = ({ target }) => resolve(target.result)));
  await new Promise((resolve) => (store.put(CHANGES[what](record), key).onsuccess = resolve));
  database.close();
}

Object.assign(globalThis, { policyHolds: policyHolds(), Cytoshade, refusal, longTasks, file, segment, plain, plant, ready: true });
