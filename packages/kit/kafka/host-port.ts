import { isIPv6 } from 'node:net';

/** A server's address. An IPv6 address is written here without its brackets. */
export interface HostPort {
  host: string;
  port: number;
}

/**
 * Reads `host:port`, with an IPv6 address in brackets.
 *
 * @param leastPort 0 where the system may choose one
 * @returns or what is wrong with it, to follow the text itself in a sentence
 */
export function parseHostPort(text: string, leastPort = 1): HostPort | { problem: string } {
  const scheme = /^[a-z][a-z0-9+._-]*:\/\//i.exec(text)?.[0];
  if (scheme) return { problem: `is not host:port: leave out "${scheme}"` };
  if (/\s/.test(text)) return { problem: 'is not host:port: there is a space in it' };
  if (isIPv6(text) || isIPv6(text.replace(/:\d+$/, '')))
    return { problem: 'is not host:port: put the IPv6 address in brackets, like [::1]:9092' };
  const [, address, name, digits] = /^(?:\[([^\]]*)\]|([A-Za-z0-9._-]+))(?::(\d*))?$/.exec(text) ?? [];
  const host = address ?? name;
  if (host === undefined || (address !== undefined && !isIPv6(address)))
    return { problem: 'is not host:port, like localhost:9092 or [::1]:9092' };
  if (!digits) return { problem: 'is not host:port: its port is missing' };
  const port = Number(digits);
  if (port < leastPort || port > 65_535)
    return { problem: `is not host:port: a port is ${leastPort} to 65535` };
  return { host, port };
}
