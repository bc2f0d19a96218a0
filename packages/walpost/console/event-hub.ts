import type { FastifyReply } from 'fastify';
import type { Snapshot } from './snapshot.ts';

/** Sends pictures of the system, as server-sent events, to everybody who listens. */
export interface EventHub {
  /** Turns an answer into a stream. */
  join(reply: FastifyReply): void;
  send(snapshot: Snapshot): void;
  readonly listeners: number;
  /** Ends every stream. */
  close(): void;
}

/** A listener that is so far behind, in bytes, misses pictures: the next one has everything anyway. */
const BEHIND = 1024 * 1024;

/** @param onListeners called when the first listener comes and when the last one goes */
export function createEventHub(onListeners: (some: boolean) => void): EventHub {
  const streams = new Set<FastifyReply['raw']>();
  return {
    join(reply) {
      reply.hijack();
      const stream = reply.raw;
      // Headers that plugins have set, the security ones among them, are not sent by a hijacked reply.
      stream.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // A proxy in between must not collect.
        'x-accel-buffering': 'no',
      });
      streams.add(stream);
      if (streams.size === 1) onListeners(true);
      stream.once('close', () => {
        streams.delete(stream);
        if (streams.size === 0) onListeners(false);
      });
    },
    send(snapshot) {
      const text = `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`;
      for (const stream of streams) if (stream.writableLength < BEHIND) stream.write(text);
    },
    get listeners() {
      return streams.size;
    },
    close() {
      for (const stream of streams) stream.end();
    },
  };
}
