import type { FastifyInstance } from 'fastify';

/** An answer to a GET. */
export interface Answer {
  status: number;
  type: string | null;
  body: unknown;
}

/** Has an application listen on a free port. (`inject` loads a package that Jest cannot on Node 20.) */
export async function listening(
  app: Pick<FastifyInstance, 'listen' | 'close'>,
): Promise<{ get(path: string): Promise<Answer>; close(): Promise<void> }> {
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    async get(path) {
      const response = await fetch(`${address}${path}`);
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        body: await response.json(),
      };
    },
    close: async () => {
      await app.close();
    },
  };
}
