// `node bench.js graphile|bullmq enqueue|bulk|execute|latency`: driver/tasks says what each does. Options are `--name value`.
//
// What callers and workers do in several processes is done in children of this file: the parent keeps the clock.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    Object.entries({
      count: 10000, callers: 16, batch: 1000, rate: 50, seconds: 5, processes: 1, concurrency: 24, fetch: 500,
    }).map(([name, value]) => [name, { type: "string", default: String(value) }]),
  ),
});
const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const [peerName, command] = positionals;
const peer = await import(`./${peerName}.js`);

// The monotonic clock of the machine, alike in all processes.
const clock = () => Number(process.hrtime.bigint());
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (answer) => console.log(JSON.stringify(answer));
const warmup = Math.floor(options.count / 10);

const commands = {
  async enqueue() {
    const callers = children("call");
    await Promise.all(callers.map((child) => once(child, "ready")));
    const begin = clock();
    callers.forEach((child) => child.send("go"));
    await Promise.all(callers.map((child) => once(child, "done")));
    tell({ count: options.count - warmup, seconds: (clock() - begin) / 1e9 });
  },

  async bulk() {
    const store = await peer.open(options);
    const tasks = Array.from({ length: options.count }, (_, n) => ({ n }));
    const before = Math.floor(warmup / options.batch) * options.batch;
    let begin = clock();
    for (let at = 0; at < tasks.length; at += options.batch) {
      if (at === before) begin = clock();
      await store.bulk(tasks.slice(at, at + options.batch));
    }
    tell({ count: options.count - before, seconds: (clock() - begin) / 1e9 });
  },

  async execute() {
    const store = await peer.open(options);
    let first = Infinity;
    children("work").forEach((child) => child.on("message", (told) => (first = Math.min(first, told.first ?? Infinity))));
    while (first === Infinity || (await store.unfinished()) > 0) await sleep(20);
    tell({ count: options.count, seconds: (clock() - first) / 1e9 });
  },

  async latency() {
    const store = await peer.open(options);
    const ms = [];
    children("work").forEach((child) => child.on("message", ({ took }) => took && ms.push(took / 1e6)));
    await sleep(2000);
    const begin = performance.now();
    const all = options.rate * (options.seconds + 1);
    for (let n = 0; n < all; n++) {
      await sleep(Math.max(0, begin + (n * 1000) / options.rate - performance.now()));
      await store.enqueue({ n, sent: clock() });
    }
    while (ms.length < all) await sleep(20);
    tell({ ms: ms.slice(options.rate) });
  },

  // A child: its share of the callers.
  async call() {
    const store = await peer.open(options);
    const share = (count) => Math.floor(count / options.processes);
    const enqueue = (count) =>
      Promise.all(
        Array.from({ length: share(options.callers) }, async (_, caller) => {
          for (let n = caller; n < share(count); n += share(options.callers)) await store.enqueue({ n });
        }),
      );
    await enqueue(warmup);
    process.send("ready");
    await once(process, "go");
    await enqueue(options.count - warmup);
    process.send("done");
  },

  // A child: a worker.
  async work() {
    let started = false;
    await peer.work(options, ({ n, sent }) => {
      if (sent) process.send({ took: clock() - sent });
      else if (!started) process.send({ first: clock() });
      started = true;
      return n;
    });
    await new Promise(() => {});
  },
};

const forked = [];

function children(role) {
  const words = process.argv.slice(2).map((word) => (word === command ? role : word));
  const made = Array.from({ length: options.processes }, () => fork(fileURLToPath(import.meta.url), words));
  made.forEach((child) => child.on("exit", (code) => code && process.exit(1)));
  forked.push(...made);
  return made;
}

const once = (emitter, wanted) =>
  new Promise((resolve) => emitter.on("message", (message) => message === wanted && resolve()));

process.on("exit", () => forked.forEach((child) => child.kill("SIGKILL")));
process.on("disconnect", () => process.exit());
await commands[command]();
process.exit();
