import type { App } from '@walpost/kit/http/http';

export interface Answer {
  status: number;
  /** The whole address that answered. */
  url: string;
  headers: Headers;
  text: string;
  /** The parsed body; throws when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts what is in it
  json: any;
}

/** Sends a request to an application over a real socket; a body that is no text is sent as JSON. */
export type Ask = (
  path: string,
  init?: { method?: string; headers?: Record<string, string>; body?: unknown },
) => Promise<Answer>;

/** Listens on a free port until the application is closed. */
export async function serve(app: App): Promise<Ask> {
  const base = await app.listen({ host: '127.0.0.1', port: 0 });
  return async (path, { method = 'GET', headers = {}, body } = {}) => {
    const json = body !== undefined && { 'content-type': 'application/json' };
    const response = await fetch(base + path, {
      method,
      headers: { ...json, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      url: response.url,
      headers: response.headers,
      text,
      get json() {
        return JSON.parse(text);
      },
    };
  };
}
