import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../snapshot.ts';

/** What the stream has sent so far. */
export interface Live {
  readonly snapshot: Snapshot | null;
  readonly connected: boolean;
}

/** Listens to the console's stream; the browser itself connects again when it breaks. */
export function useLive(): Live {
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    const source = new EventSource('/api/events');
    source.onopen = () => setConnected(true);
    source.onerror = () => setConnected(false);
    source.addEventListener('snapshot', ({ data }) => setSnapshot(JSON.parse(data) as Snapshot));
    return () => source.close();
  }, []);
  return { snapshot, connected };
}

const STORED = 'walpost-token';

/** The token of this tab: from the address `npm start` prints, or typed in. It is in no address afterwards. */
export function useToken(): [string | null, (token: string | null) => void] {
  const [token, setToken] = useState<string | null>(() => {
    const given = /^#token=(.+)$/.exec(location.hash)?.[1];
    if (!given) return sessionStorage.getItem(STORED);
    history.replaceState(null, '', location.pathname);
    sessionStorage.setItem(STORED, decodeURIComponent(given));
    return decodeURIComponent(given);
  });
  return [
    token,
    (next) => {
      if (next === null) sessionStorage.removeItem(STORED);
      else sessionStorage.setItem(STORED, next);
      setToken(next);
    },
  ];
}

const KEY = /^#key=(.*)$/;

/** The key in the address; undefined when it has none. `#order=` is a former name. */
function keyInAddress(): string | undefined {
  const found = KEY.exec(location.hash.replace('#order=', '#key='))?.[1];
  try {
    return found && decodeURIComponent(found);
  } catch {
    return found;
  }
}

/** The key that is looked at: the part of the address behind `#key=`. A link to a part of the page leaves it. */
export function useKeyInAddress(): [string, (key: string) => void] {
  const [key, setKey] = useState(() => keyInAddress() ?? '');
  useEffect(() => {
    const onChange = () => {
      const found = keyInAddress();
      if (found === undefined && location.hash !== '') return;
      setKey(found ?? '');
      if (found) document.getElementById('key')?.scrollIntoView();
    };
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return [
    key,
    (next) => {
      location.hash = next === '' ? '' : `key=${encodeURIComponent(next)}`;
    },
  ];
}
