import * as listed from 'dinero.js/currencies';

/** Codes that the list still has, and ISO 4217 has not any more: Bulgaria has the euro since January 2026. */
export const WITHDRAWN: readonly string[] = ['BGN'];

const today = new Set(Object.keys(listed).filter((code) => !WITHDRAWN.includes(code)));

/** Whether ISO 4217 has the code today, as one of money: metals, units of account and test codes are none. */
export function isCurrency(code: string): boolean {
  return today.has(code);
}
