// graphile-worker with the batching of its page on performance: a local queue, and completions in batches.

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const logger = new Logger(() => () => {});

const fail = (error) => {
  throw error;
};

export async function open({ callers, processes }) {
  const pgPool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Math.ceil(callers / processes) });
  pgPool.on("error", fail).on("connect", (client) => client.on("error", fail));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return {
    enqueue: (task) => utils.addJob("noop", task),
    bulk: (tasks) => utils.addJobs(tasks.map((payload) => ({ identifier: "noop", payload }))),
    // A finished job is deleted; one that has failed stays.
    async unfinished() {
      const { rows } = await pgPool.query("SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)::int AS any");
      return rows[0].any;
    },
  };
}

export async function work({ concurrency, fetch }, handler) {
  await run({
    preset: {
      worker: {
        connectionString: process.env.DATABASE_URL,
        concurrentJobs: concurrency,
        maxPoolSize: concurrency + 1,
        localQueue: { size: fetch },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        logger,
      },
    },
    taskList: { noop: async (payload) => void handler(payload) },
    noHandleSignals: true,
  });
}
