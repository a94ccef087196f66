// What the tests call in the page.
import { Cytoshade } from "./cytoshade.js";

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

const image = async () => (await fetch("demo.png")).blob();

Object.assign(globalThis, { Cytoshade, refusal, longTasks, image, ready: true });
