// BullMQ on Redis, as its guide shows it. Finished jobs and their results stay, as is its default.

import { Queue, Worker } from "bullmq";

const connection = { url: process.env.REDIS_URL, maxRetriesPerRequest: null };

export async function open() {
  const queue = new Queue("tasks", { connection });
  await queue.waitUntilReady();
  return {
    enqueue: (task) => queue.add("noop", task),
    bulk: (tasks) => queue.addBulk(tasks.map((data) => ({ name: "noop", data }))),
    unfinished: () => queue.getJobCountByTypes("wait", "active", "failed"),
  };
}

export async function work({ concurrency }, handler) {
  const worker = new Worker("tasks", async (job) => handler(job.data), { connection, concurrency });
  worker.on("error", (error) => console.error(error));
  await worker.waitUntilReady();
}
