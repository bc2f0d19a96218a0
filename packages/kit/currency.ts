import * as listed from 'dinero.js/currencies';

/** Codes that the list still has, and ISO 4217 has not any more: Bulgaria has the euro since January 2026. */
export const WITHDRAWN: readonly string[] = ['BGN'];

/**
 * How many decimal digits the minor unit of a currency has, by its ISO 4217 code. Intl has digits of its own, which
 * follow what people write on price tags: 125000 Hungarian minor units are HUF 1,250.00 and not 125,000.
 */
const digits = new Map<string, number>(
  Object.values(listed).map(({ code, base, exponent }) => [
    code,
    // The ariary and the ouguiya have five parts; ISO 4217 writes them with two digits all the same.
    base === 10 ? exponent : 2,
  ]),
);
for (const code of WITHDRAWN) digits.delete(code);

/** Whether ISO 4217 has the code today, as one of money: metals, units of account and test codes are none. */
export function isCurrency(code: string): boolean {
  return digits.has(code);
}

/** Decimal digits of a currency's minor unit; two for a code that ISO 4217 does not have any more, as most had. */
export function currencyDigits(code: string): number {
  return digits.get(code) ?? 2;
}
