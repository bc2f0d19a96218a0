import { insideKafkajs } from './inside-kafkajs.ts';

/** What is used of kafkajs's queue of requests, one for each connection. */
interface RequestQueue {
  pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * Has an idle connection of kafkajs set no timer. Its queue looks again after every answer whether requests wait, and
 * computes when from the end of a throttling that never was: a delay far below 0, which Node makes 1 ms, for ever and on
 * every connection. With nothing waiting there is nothing to look for: a request that has to wait sets the timer itself.
 */
export function quietKafkajs(): void {
  const queue = insideKafkajs<{ prototype: RequestQueue }>('network/requestQueue/index.js')?.prototype;
  if (!queue) return;
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
